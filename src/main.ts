import { closeSync, openSync } from 'node:fs';
import { check } from './commands/check.ts';
import { config } from './commands/config.ts';
import type { CommandContext } from './commands/context.ts';
import { decode } from './commands/decode.ts';
import { devnet } from './commands/devnet.ts';
import { inspect } from './commands/inspect.ts';
import { pm2 } from './commands/pm2.ts';
import { probe } from './commands/probe.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { asMinerError, MinerError } from './errors.ts';
import { EXIT_CODES, exitCodeOf } from './miner/exit-codes.ts';
import { printableLines } from './printable.ts';

/** A command that ends otherwise than well or by an error resolves with its exit code. */
type Command = (context: CommandContext) => Promise<void> | Promise<number>;

const COMMANDS: Readonly<Record<string, Command>> = {
  start,
  check,
  status,
  pm2,
  devnet,
  probe,
  decode,
  config,
  inspect,
};

/** What runs until it is told to end; all else was not done when it is told so before its end. */
const DAEMONS: ReadonlySet<string> = new Set(['start', 'devnet']);

const USAGE = `Usage: node dist/main.js COMMAND [flags]

  start    run the miner (--dev: with a development chain, no wallet needed)
  check    check settings, wallet, ports and models without starting the miner (--replaces PID: in place of that process)
  status   how the miner of the settings is: whether it is ready, and who asked it last
  pm2      what start_miner.sh does with pm2
  devnet   run a development chain alone
  probe    send a picture or a clip to the miner of --dev as a validator would: probe FILE
  decode   decode pictures and clips as the miner does and print their pixels' hashes: decode FILE...
  inspect  what a model is, how fast, and what it answers: inspect MODEL [FILE...]
  config   print the effective settings and where each comes from

Every setting of .env.miner.template is also a flag: AXON_PORT is --axon-port or --axon.port.
--settings FILE reads another file than .env.miner; config --only KEY prints one value.
`;

const STARTED_AT_TERMINAL = process.stdin.isTTY === true;

/** A terminal that is closed sends the signal that asks for a reload, too; then it cannot be opened any more. */
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

/** One place where the process ends: everything below it returns or throws. */
async function main(argv: readonly string[]): Promise<number> {
  const shutdown = new AbortController();
  let unbroken = 0;
  const onSignal = () => {
    if (shutdown.signal.aborted && unbroken === 0) process.exit(EXIT_CODES.forced);
    shutdown.abort();
  };
  // Whoever reads the output may be gone, as in `./start_miner.sh | head -1`. That ends nothing.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  const [name = 'help', ...rest] = argv;
  const command = COMMANDS[name];
  if (command === undefined) {
    const asked = name === 'help' || name === '--help';
    (asked ? process.stdout : process.stderr).write(USAGE);
    return asked ? EXIT_CODES.ok : EXIT_CODES.config;
  }
  try {
    const exitCode = await command({
      argv: rest,
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
    return typeof exitCode === 'number' ? exitCode : EXIT_CODES.ok;
  } catch (error) {
    if (shutdown.signal.aborted) return DAEMONS.has(name) ? EXIT_CODES.ok : EXIT_CODES.forced;
    const [first, ...others]: unknown[] = error instanceof AggregateError ? error.errors : [error];
    for (const one of [first, ...others]) {
      // Names come from files that anyone may have made; a terminal obeys the control characters in them.
      process.stderr.write(printableLines(wordsOf(one)));
    }
    return exitCodeOf(asMinerError(first, 'INTERNAL').code);
  }
}

process.exit(await main(process.argv.slice(2)));
