import { codeBlocks, documents } from './documents.ts';

/** A command that a document tells its reader to type. */
export interface DocumentCommand {
  readonly document: string;
  /** As it stands there, without its comment. */
  readonly text: string;
  /** Its words, without settings of variables before the program. */
  readonly words: readonly string[];
}

/**
 * Commands that nobody runs to check the documents: by the reason, how they begin. Every other command of a document was
 * run in a fresh clone.
 */
export const ONLY_PARSED: Readonly<Record<string, readonly string[]>> = {
  'costs money, or makes keys': ['btcli '],
  'needs root': ['systemctl ', 'journalctl ', 'pm2 startup'],
  'needs a GPU': ['./setup.sh --cuda'],
  'needs Docker': ['docker ', './scripts/run/subtensor.sh', 'SUBTENSOR_TEST_ENDPOINT='],
  'needs PyTorch, and hours': ['pip install', 'python3 -m venv', 'python '],
  'needs another host, repository or process': [
    'curl your_ip',
    'git pull',
    'git clone',
    'cd subtensor',
    'kill ',
  ],
};

/** The commands of all documents: those in their shell blocks, and those of the project between backticks. */
export function documentCommands(): readonly DocumentCommand[] {
  return [...documents()].flatMap(([document, text]) => {
    const lines = codeBlocks(text, ['bash', 'sh']).flatMap((block) =>
      block.replaceAll(/\\\n\s*/g, '').split('\n'),
    );
    const inline = [...text.replace(/^```\w*\n.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)]
      .map(([, code = '']) => code)
      .filter((code) =>
        /^(?:[A-Z_]+=\S+ )*(?:\.\/(?:start_miner|setup)\.sh|npm|npx|node dist\/main\.js)(?: |$)/.test(code),
      );
    return [...lines, ...inline]
      .flatMap((line) => withoutComment(line).split(/&&|\|\||[;|]/))
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map((part) => ({ document, text: part, words: wordsOf(part) }));
  });
}

/** The line up to a `#` that begins a word and is not quoted. */
function withoutComment(line: string): string {
  return /^(?:'[^']*'|"[^"]*"|(?<=\S)#|[^#'"])*/.exec(line)?.[0] ?? '';
}

function wordsOf(command: string): readonly string[] {
  const words = (command.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? []).map((word) =>
    word.replaceAll(/^['"]|['"]$/g, ''),
  );
  const program = words.findIndex((word) => !/^[A-Za-z_]+=/.test(word));
  return program === -1 ? [] : words.slice(program);
}
