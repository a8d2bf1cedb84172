import { open, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { MinerError } from '../errors.ts';
import type { Task } from '../inference/contract/model-json.ts';
import { type InspectionResult, inspectModel } from '../inspect/inspect-model.ts';
import { renderPage } from '../inspect/render/page.ts';
import { renderText } from '../inspect/render/text.ts';
import type { InspectReport } from '../inspect/report.ts';
import { createTemporaryFolder } from '../state/temporary-file.ts';
import type { CommandContext } from './context.ts';
import { readMedia } from './read-media.ts';

export interface InspectFlags {
  /** What the model is for; undefined: model.json or the shapes of the model tell it. */
  readonly task?: Task;
  readonly device: 'cpu' | 'cuda' | 'auto';
  /** Timed runs for each figure, at most. */
  readonly runs: number;
  /** Whether the report is one JSON document. */
  readonly json?: boolean;
  /** Where the page with the masks goes. */
  readonly html?: string;
}

/**
 * Prints what a model is, what the miner makes of it, whether it is fast enough on this machine, and what it answers to
 * the files. It needs no settings, no wallet and no network, and leaves nothing behind but the page with the masks.
 * @param modelPath a folder with model.onnx, or an .onnx file
 * @param names pictures and clips
 * @throws MinerError CONFIG_INVALID, MODEL_*; the code of the first file that the miner would refuse
 */
export async function inspect(
  { stdout, shutdown }: CommandContext,
  modelPath: string,
  names: readonly string[],
  flags: InspectFlags,
): Promise<void> {
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
        if (flags.json !== true) stdout.write(renderText(part));
      },
      onTask: (task) => {
        if (flags.html === undefined || task === 'mask') return;
        throw new MinerError('CONFIG_INVALID', `--html is for masks, and the task is ${task}`);
      },
    });
    const page = flags.html ?? defaultPageName(modelPath);
    const html = await writePage(result, page).catch((error: unknown) => {
      // The report comes first, so that it is not lost if the page cannot be written.
      if (flags.json === true)
        stdout.write(`${JSON.stringify({ ...result.report, html: null }, undefined, 2)}\n`);
      throw error;
    });
    const report: InspectReport = { ...result.report, html };
    if (flags.json === true) stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else if (html !== null) stdout.write(`Pictures, heat maps and overlays: ${html}\n`);
    requireAnswers(report);
  } finally {
    await temporary.close();
  }
}

/** Before anything is measured. A folder can be opened, but not read. */
async function requireReadable(name: string): Promise<void> {
  const file = await open(name).catch(() => undefined);
  const isFile = (await file?.stat())?.isFile();
  await file?.close();
  if (isFile !== true) throw new MinerError('CONFIG_INVALID', `the file ${name} cannot be read`);
}

/** `models/x` and `models/x/model.onnx` both give inspect-x.html, in the current folder. */
function defaultPageName(modelPath: string): string {
  const path = resolve(modelPath);
  const name = basename(path) === 'model.onnx' ? basename(dirname(path)) : basename(path, '.onnx');
  return `inspect-${name}.html`;
}

/** @returns the path, or null if there are no masks */
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

/** After the report, a refused file makes the command fail. */
function requireAnswers({ answers }: InspectReport): void {
  const refused = answers.find((answer) => answer.kind === 'error');
  if (refused === undefined) return;
  throw new MinerError(refused.code, `${refused.file}: ${refused.message}`);
}
