// The process: signals, error output and exit codes. commands/program.ts has the commands.
import { closeSync, openSync } from 'node:fs';
import { isDaemon, runProgram } from './commands/program.ts';
import { asMinerError, MinerError } from './errors.ts';
import { EXIT_CODES, exitCodeOf } from './miner/exit-codes.ts';
import { printableLines } from './printable.ts';

const STARTED_AT_TERMINAL = process.stdin.isTTY === true;

/** SIGHUP asks for a reload, but a terminal that closes also sends it. Then it cannot be opened any more. */
function isTerminalGone(): boolean {
  if (!STARTED_AT_TERMINAL) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}

function wordsOf(error: unknown): string {
  const { code, message, remedy } = asMinerError(error, 'INTERNAL');
  const trace = error instanceof MinerError ? '' : `\n${error instanceof Error ? error.stack : ''}`;
  return `${code}: ${message}\n${remedy}${trace}\n`;
}

/** Everything below this returns or throws; only this file ends the process. */
async function main(argv: readonly string[]): Promise<number> {
  const shutdown = new AbortController();
  let unbroken = 0;
  const onSignal = () => {
    if (shutdown.signal.aborted && unbroken === 0) process.exit(EXIT_CODES.forced);
    shutdown.abort();
  };
  // The reader of the output may be gone, as in `./start_miner.sh | head -1`. The process goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  try {
    return await runProgram(argv, {
      env: process.env,
      stdout: process.stdout,
      stderr: process.stderr,
      shutdown: shutdown.signal,
      async unbroken(work) {
        unbroken += 1;
        return await work().finally(() => {
          unbroken -= 1;
        });
      },
      onHangup: (listener) => {
        process.on('SIGHUP', () => (isTerminalGone() ? shutdown.abort() : listener()));
      },
    });
  } catch (error) {
    if (shutdown.signal.aborted) return isDaemon(argv) ? EXIT_CODES.ok : EXIT_CODES.forced;
    const [first, ...others]: unknown[] = error instanceof AggregateError ? error.errors : [error];
    for (const one of [first, ...others]) {
      // A name in the message may come from anybody, and a terminal would obey control characters in it.
      process.stderr.write(printableLines(wordsOf(one)));
    }
    return exitCodeOf(asMinerError(first, 'INTERNAL').code);
  }
}

process.exit(await main(process.argv.slice(2)));
