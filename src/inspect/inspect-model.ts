import { loadavg } from 'node:os';
import { contractLines } from '../inference/contract/lines.ts';
import type { ModelFacts } from '../inference/worker/messages.ts';
import { createPictureDecoder, type PictureDecoder } from '../media/pictures/picture-decoder.ts';
import { createLogger } from '../telemetry/logger.ts';
import { type InspectedModel, type InspectOptions, openInspectedModel } from './inspected-model.ts';
import { type AnsweredFile, answerFiles, type MediaFile } from './measure/answers.ts';
import { judgeFit } from './measure/judge-fit.ts';
import { measureMachine } from './measure/machine-costs.ts';
import { measureSpeed } from './measure/measure-speed.ts';
import { type FileReport, readModelFile } from './model-file.ts';
import { drawMaskPictures } from './render/mask-pictures.ts';
import type { PageEntry } from './render/page.ts';
import type { ExecutionReport, InspectReport, ModelReport } from './report.ts';

interface Inspection extends InspectOptions {
  readonly runs: number;
  readonly files: readonly MediaFile[];
  /** Gets each part of the report as soon as it is known. */
  readonly tell: (part: Partial<InspectReport>) => void;
  /** Called once the task is known, before anything is measured. May throw to end the inspection. */
  readonly onTask: (task: ModelFacts['contract']['task']) => void;
}

/** The report, and what the page with the masks is made of. */
export interface InspectionResult {
  readonly report: Omit<InspectReport, 'html'>;
  readonly entries: readonly PageEntry[];
  readonly contract: ModelFacts['contract'];
}

/**
 * Loads a model as the miner does, measures it and this machine, and lets it answer the files.
 * @throws MinerError MODEL_* if the miner would refuse the model; what `onTask` throws; the signal's reason
 */
export async function inspectModel(inspection: Inspection): Promise<InspectionResult> {
  const { files, temporary, signal, tell } = inspection;
  const [loadAverage = 0] = loadavg();
  const file = await readModelFile(inspection.modelPath, signal);
  const opened = await openInspectedModel(inspection);
  const pictures = createPictureDecoder({ processes: 1, logger: createLogger({ level: 'silent' }) });
  try {
    const { loaded } = opened;
    inspection.onTask(loaded.contract.task);
    const model = describeModel(file, loaded, inspection);
    tell({ model });
    const execution = describeExecution(opened, inspection);
    tell({ execution });
    const speed = await measureSpeed(opened, inspection);
    tell({ speed });
    const costs = await measureMachine({ input: loaded.contract.input, temporary, signal });
    const fit = judgeFit(costs, loaded, speed, loadAverage);
    tell({ fit });
    const entries: PageEntry[] = [];
    for await (const answered of answerFiles(files, { model: opened, pictures, temporary, signal })) {
      entries.push(await draw(answered, files[entries.length], pictures, signal));
      tell({ answers: [answered.report] });
    }
    const answers = entries.map((entry) => entry.report);
    return {
      report: { format: 1, model, execution, speed, fit, answers },
      entries,
      contract: loaded.contract,
    };
  } finally {
    await pictures.close();
    await opened.close();
  }
}

function describeModel(
  file: FileReport,
  { inputs, outputs, contract, taskReason }: ModelFacts,
  { task }: Inspection,
): ModelReport {
  const deduced = contract.origins.task === 'model.json' ? 'model.json' : 'deduced';
  const taskOrigin = task === undefined ? deduced : '--task';
  return {
    ...file,
    inputs,
    outputs,
    task: contract.task,
    taskOrigin,
    taskReason: taskOrigin === 'deduced' ? (taskReason ?? null) : null,
    contract: contractLines(contract).filter(({ field }) => field !== 'task'),
  };
}

function describeExecution({ loaded, threads }: InspectedModel, { device }: Inspection): ExecutionReport {
  const uses = Object.entries(loaded.useByProvider);
  const operations = uses.reduce((sum, [, use]) => sum + use.nodes, 0);
  const timeMs = uses.reduce((sum, [, use]) => sum + use.ms, 0);
  return {
    device,
    provider: loaded.provider,
    cudaFailure: loaded.cudaFailure ?? null,
    threads,
    providers: uses
      .map(([name, use]) => ({
        name,
        operations: use.nodes,
        operationShare: use.nodes / operations,
        timeMs: use.ms,
        timeShare: timeMs === 0 ? 0 : use.ms / timeMs,
      }))
      .sort((a, b) => b.timeMs - a.timeMs),
  };
}

async function draw(
  { report, mask }: AnsweredFile,
  file: MediaFile | undefined,
  pictures: PictureDecoder,
  signal: AbortSignal,
): Promise<PageEntry> {
  if (mask === undefined || file === undefined) return { report, pictures: undefined };
  const { frames } = await pictures.decode(await file.read(), { fit: { mode: 'native' }, signal });
  return { report, pictures: await drawMaskPictures({ picture: frames, ...mask }) };
}
