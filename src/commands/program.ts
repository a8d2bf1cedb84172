// The commands of the program with their arguments and flags; main.ts runs it. A command loads its own file when it runs.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommanderError, InvalidArgumentError, Option } from 'commander';
import { MinerCommand } from '../config/command-line.ts';
import { addFlags, addSettingFlags, addSettingsSources } from '../config/flags.ts';
import { EXIT_CODES } from '../miner/exit-codes.ts';
import { type CommandContext, ROOT } from './context.ts';
import type { InspectFlags } from './inspect.ts';

/** Commands that run until a signal ends them: for the others a signal is an interruption. */
const DAEMONS: ReadonlySet<string> = new Set(['start', 'devnet']);

/** Makes the action of a command out of what it does, and keeps its exit code. */
type Run = <A extends unknown[]>(
  work: (...args: A) => Promise<void> | Promise<number>,
) => (...args: A) => Promise<void>;

/** @returns whether a signal is the normal end of the command that these arguments name */
export function isDaemon(argv: readonly string[]): boolean {
  return DAEMONS.has(argv[0] ?? '');
}

/**
 * Runs the command that the arguments name; without arguments, prints the help.
 * @returns the exit code
 * @throws MinerError CONFIG_INVALID if the command line is wrong; whatever the command throws
 */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<number> {
  let exitCode: number = EXIT_CODES.ok;
  const program = declareProgram(context, (work) => async (...args) => {
    const result = await work(...args);
    if (typeof result === 'number') exitCode = result;
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['help'] : argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // commander has printed the help or the version.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT_CODES.ok;
    throw error;
  }
}

function declareProgram(context: CommandContext, run: Run): MinerCommand {
  const program = new MinerCommand('node dist/main.js')
    .usage('COMMAND [flags]')
    .optionsGroup('Flags:')
    .version(readVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command, as COMMAND --help does')
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}` })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .addHelpText(
      'after',
      '\nEvery setting of .env.miner.template is also a flag: AXON_PORT is --axon-port or --axon.port.',
    );
  declareMinerCommands(program, context, run);
  declarePm2Commands(program, context, run);
  declareTools(program, context, run);
  return program;
}

/** Commands for the miner that the settings describe. */
function declareMinerCommands(program: MinerCommand, context: CommandContext, run: Run): void {
  const start = program
    .command('start')
    .description('run the miner (--dev: with a development chain, without a wallet)');
  const startFlags = addFlags(start);
  start.action(run(async () => (await import('./start.ts')).start(context, startFlags())));

  const check = program
    .command('check')
    .description('check the settings, the wallet, the ports and the models without starting the miner')
    .addOption(
      new Option('--replaces <pid>', 'a process that will have ended when the miner starts').argParser(toPid),
    );
  const checkFlags = addFlags(check);
  check.action(
    run(async ({ replaces }: { replaces?: number }) =>
      (await import('./check.ts')).check(context, checkFlags(), replaces),
    ),
  );

  const status = program
    .command('status')
    .description('whether the running miner is ready, and who called it last');
  const statusFlags = addFlags(status);
  status.action(run(async () => (await import('./status.ts')).status(context, statusFlags())));

  const config = program
    .command('config')
    .description('print the settings in effect, and where each comes from')
    .option('--only <key>', 'print the value of this setting alone');
  const configFlags = addFlags(config);
  config.action(
    run(async ({ only }: { only?: string }) =>
      (await import('./config.ts')).config(context, configFlags(), only),
    ),
  );
}

/** What start_miner.sh does with pm2, for the instance that the variable INSTANCE names. */
function declarePm2Commands(program: MinerCommand, context: CommandContext, run: Run): void {
  const pm2 = program
    .command('pm2')
    .usage('COMMAND [flags]')
    .description('what start_miner.sh does with pm2');
  const declare = (name: string, description: string) =>
    pm2.command(name).description(description).option('--pm2 <program>', 'how pm2 is called', 'pm2');

  const start = declare('start', 'check the miner, and run it in place of the one before');
  // Without --dev: a development miner runs at a terminal only.
  const startFlags = addSettingsSources(start);
  start.action(
    run(async ({ pm2: called }: { pm2: string }) =>
      (await import('./pm2-start.ts')).startWithPm2(context, startFlags(), called),
    ),
  );

  declare('status', 'whether the miner is ready, and who called it last')
    .argument('[words...]')
    .action(
      run(async (words: string[], { pm2: called }: { pm2: string }) =>
        (await import('./pm2.ts')).status(context, called, words),
      ),
    );
  declare('stop', 'end the miner after the requests that it has admitted')
    .argument('[words...]')
    .action(
      run(async (words: string[], { pm2: called }: { pm2: string }) =>
        (await import('./pm2.ts')).stop(context, called, words),
      ),
    );
  declare('logs', 'follow the log of the miner')
    .usage('[flags of pm2 logs]')
    .argument('[flags...]', 'for example --lines 200')
    .allowUnknownOption()
    .action(
      run(async (flags: string[], { pm2: called }: { pm2: string }) =>
        (await import('./pm2.ts')).logs(context, called, flags),
      ),
    );
}

/** Commands that need no settings file and no wallet. */
function declareTools(program: MinerCommand, context: CommandContext, run: Run): void {
  const devnet = program.command('devnet').description('run a development chain alone');
  const devnetSettings = addSettingFlags(devnet);
  devnet.action(run(async () => (await import('./devnet.ts')).devnet(context, devnetSettings)));

  const probe = program
    .command('probe')
    .description('send a picture or a clip to a running miner of `start --dev`, as a validator would')
    .usage('FILE [flags]')
    .argument('<FILE>', 'picture or clip');
  const probeSettings = addSettingFlags(probe);
  probe.action(run(async (file: string) => (await import('./probe.ts')).probe(context, file, probeSettings)));

  program
    .command('decode')
    .description('decode pictures and clips as the miner does, and print the hashes of their pixels')
    .usage('FILE... [--out FILE]')
    .argument('<FILE...>', 'pictures and clips')
    .option('--out <file>', 'write the pixels of the one FILE')
    .action(
      run(async (files: string[], { out }: { out?: string }, decode: MinerCommand) => {
        if (out !== undefined && files.length > 1) decode.error('--out takes the pixels of one FILE');
        await (await import('./decode.ts')).decode(context, files, out);
      }),
    );

  program
    .command('inspect')
    .description('what a model is, how fast it is, and what it answers')
    .usage('MODEL [FILE...] [flags]')
    .argument('<MODEL>', 'a folder with model.onnx, or an .onnx file')
    .argument('[FILE...]', 'pictures or clips for the model to answer')
    .addOption(
      new Option('--task <task>', 'what the model is for, if model.json does not say it').choices([
        'image',
        'video',
        'mask',
      ] satisfies InspectFlags['task'][]),
    )
    .addOption(
      new Option('--device <device>', 'where it runs')
        .choices(['cpu', 'cuda', 'auto'] satisfies InspectFlags['device'][])
        .default('auto'),
    )
    .addOption(
      new Option('--runs <number>', 'timed runs for each figure, at most').argParser(toRuns).default(50),
    )
    .option('--json', 'the report as one JSON document')
    .option('--html <file>', 'where the page with the masks of a segmenter goes (default: inspect-NAME.html)')
    .action(
      run(async (model: string, files: string[], flags: InspectFlags, inspect: MinerCommand) => {
        if (flags.html !== undefined && files.length === 0) inspect.error('--html needs pictures to show');
        await (await import('./inspect.ts')).inspect(context, model, files, flags);
      }),
    );
}

const MAX_RUNS = 10_000;

function toRuns(text: string): number {
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1 && runs <= MAX_RUNS) return runs;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${MAX_RUNS}.`);
}

function toPid(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be the number of a process.');
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return version;
}
