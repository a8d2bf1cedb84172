import { BTCLI_GENERATIONS, type BtcliGeneration } from '../../src/wallet/btcli.ts';

/** A command of btcli that a text tells its reader to type. */
export interface PrintedCommand {
  readonly command: string;
  /** The program that the text names beside the command; undefined if it names none: then both have to take it. */
  readonly generation: BtcliGeneration | undefined;
}

/** The word behind `btcli` that makes a command of it, in words that stand in no code. */
const GROUPS = /^btcli (w|wallets?|s|subnets?|st|stake|root|sudo|hparams|config|view|query|tx|call) /;

/**
 * The commands in a text: in lines of its code blocks, where a comment names the program, and between backticks, where
 * brackets behind them do. One that stands in neither is taken up to the end of its line, so that a parser refuses it.
 */
export function btcliCommandsIn(text: string): readonly PrintedCommand[] {
  const found: PrintedCommand[] = [];
  const whole = text.replace(/\\\n\s*/g, ' ');
  const outsideBlocks = whole.replace(/^```[^\n]*\n(.*?)^```$/gms, (_block, lines: string) => {
    let heading = '';
    for (const line of lines.split('\n')) {
      const [code = '', comment = ''] = line.split(/(?:^|\s)#(.*)/);
      if (code.trim() === '') heading = comment === '' ? heading : comment;
      const generation = namedIn(comment === '' ? heading : comment);
      for (const part of code.split(/&&|\|\||[;|]/)) add(part, generation);
    }
    return '';
  });
  const words = outsideBlocks.replace(
    /`([^`\n]+)`(?=(\s*\([^)\n]*\))?)/g,
    (_code, code: string, brackets: string) => {
      add(code, namedIn(brackets ?? ''));
      return '';
    },
  );
  for (const match of words.match(/\bbtcli [^\n]*/g) ?? []) if (GROUPS.test(match)) add(match, undefined);
  return found;

  function add(code: string, generation: BtcliGeneration | undefined): void {
    const command = code.trim();
    if (command.startsWith('btcli ')) found.push({ command, generation });
  }
}

function namedIn(words: string): BtcliGeneration | undefined {
  return BTCLI_GENERATIONS.find((generation) => words.includes(generation));
}
