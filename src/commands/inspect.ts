import { open, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { MinerError } from '../errors.ts';
import { TASKS } from '../inference/contract/model-json.ts';
import { type InspectionResult, inspectModel } from '../inspect/inspect-model.ts';
import { renderPage } from '../inspect/render/page.ts';
import { renderText } from '../inspect/render/text.ts';
import type { InspectReport } from '../inspect/report.ts';
import { createTemporaryFolder } from '../state/temporary-file.ts';
import type { CommandContext } from './context.ts';
import { readMedia } from './read-media.ts';

const USAGE = `inspect MODEL [FILE...] [flags]

MODEL is a folder with model.onnx, or an .onnx file; FILEs are pictures or clips that it is to answer.

  --task image|video|mask   what the model is for, where model.json does not say
  --device cpu|cuda|auto    where it runs (auto)
  --runs N                  runs that are timed at most for each number (50)
  --json                    the report as one JSON document
  --html FILE               where the page with the masks of a segmenter goes (inspect-NAME.html)
`;

const DEFAULT_RUNS = 50;
const MAX_RUNS = 10_000;

const flagsSchema = z.object({
  task: z.enum(TASKS).optional(),
  device: z.enum(['cpu', 'cuda', 'auto']).default('auto'),
  runs: z.coerce.number().int().min(1).max(MAX_RUNS).default(DEFAULT_RUNS),
  json: z.boolean().default(false),
  html: z.string().min(1).optional(),
  help: z.boolean().default(false),
});

/**
 * Prints what a model is, what the miner makes of it, whether it is fast enough on this machine, and what it answers to
 * the files named. It needs no settings, no wallet and no network, and leaves nothing behind but the page that it names.
 */
export async function inspect({ argv, stdout, shutdown }: CommandContext): Promise<void> {
  const { model: modelPath, names, flags } = readArguments(argv);
  if (flags.help) {
    stdout.write(`Usage: node dist/main.js ${USAGE}`);
    return;
  }
  for (const name of names) await requireReadable(name);
  const files = names.map((name) => ({ name, read: () => readMedia(name) }));
  const temporary = await createTemporaryFolder();
  try {
    const result = await inspectModel({
      modelPath,
      task: flags.task,
      device: flags.device,
      runs: flags.runs,
      files,
      temporary,
      signal: shutdown,
      tell: (part) => {
        if (!flags.json) stdout.write(renderText(part));
      },
      onTask: (task) => {
        if (flags.html !== undefined && task !== 'mask')
          throw refusal(`--html is for masks, and the task is ${task}`);
      },
    });
    const page = flags.html ?? defaultPageName(modelPath);
    const html = await writePage(result, page).catch((error: unknown) => {
      // All that was measured is told before a page that cannot be written is.
      if (flags.json) stdout.write(`${JSON.stringify({ ...result.report, html: null }, undefined, 2)}\n`);
      throw error;
    });
    const report: InspectReport = { ...result.report, html };
    if (flags.json) stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else if (html !== null) stdout.write(`Pictures, heat maps and overlays: ${html}\n`);
    requireAnswers(report);
  } finally {
    await temporary.close();
  }
}

function readArguments(argv: readonly string[]) {
  try {
    const { positionals, values } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        task: { type: 'string' },
        device: { type: 'string' },
        runs: { type: 'string' },
        json: { type: 'boolean' },
        html: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    const parsed = flagsSchema.safeParse(values);
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`);
      throw new Error(problems.join('\n'));
    }
    const [model = '', ...names] = positionals;
    if (model === '' && !parsed.data.help) throw new Error('name a model');
    if (parsed.data.html !== undefined && names.length === 0)
      throw new Error('--html needs pictures to show');
    return { model, names, flags: parsed.data };
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error));
  }
}

/** Before all else is measured. A folder can be opened, and not be read. */
async function requireReadable(name: string): Promise<void> {
  const file = await open(name).catch(() => undefined);
  const isFile = (await file?.stat())?.isFile();
  await file?.close();
  if (isFile !== true) throw new MinerError('CONFIG_INVALID', `the file ${name} cannot be read`);
}

function refusal(words: string): MinerError {
  return new MinerError('CONFIG_INVALID', `${words}\n\n${USAGE}`);
}

/** `models/x` and `models/x/model.onnx` both give inspect-x.html, in the present folder. */
function defaultPageName(modelPath: string): string {
  const path = resolve(modelPath);
  const name = basename(path) === 'model.onnx' ? basename(dirname(path)) : basename(path, '.onnx');
  return `inspect-${name}.html`;
}

/** @returns the path, or null where there are no masks */
async function writePage(
  { report, entries, contract }: InspectionResult,
  path: string,
): Promise<string | null> {
  const { output } = contract;
  if (output.kind !== 'mask' || entries.length === 0) return null;
  const threshold = output.hardness.mode === 'hard' ? output.hardness.threshold : undefined;
  const page = renderPage({ model: report.model, entries, threshold });
  try {
    await writeFile(path, page);
  } catch (error) {
    throw new MinerError('CONFIG_INVALID', `the page cannot be written to ${path}`, { cause: error });
  }
  return path;
}

/** A file that was refused is a failure of the command, once all else is said. */
function requireAnswers({ answers }: InspectReport): void {
  const refused = answers.find((answer) => answer.kind === 'error');
  if (refused === undefined) return;
  throw new MinerError(refused.code, `${refused.file}: ${refused.message}`);
}
