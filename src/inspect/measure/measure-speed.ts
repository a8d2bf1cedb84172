import { asMinerError } from '../../errors.ts';
import type { InputContract, TensorSignature } from '../../inference/contract/contract.ts';
import { type InspectedModel, type InspectOptions, openInspectedModel } from '../inspected-model.ts';
import type { BatchReport, Latency, SpeedReport } from '../report.ts';
import { percentile } from './percentile.ts';

interface SpeedOptions extends InspectOptions {
  /** Timed runs at most for each figure. */
  readonly runs: number;
}

/** Time for each figure; a slow model gets fewer runs. */
const TIME_LIMIT_MS = 10_000;
const BATCHES = [1, 4] as const;
/** Size of the picture for the mask: 4 million pixels, as from a telephone. */
const SOURCE_SIZE = { height: 2048, width: 2048 };

/**
 * How much time and memory a model takes. Each batch runs in a process of its own, so that their memory is counted apart.
 * @throws MinerError if the model fails on a single picture or clip; the signal's reason
 */
export async function measureSpeed(model: InspectedModel, options: SpeedOptions): Promise<SpeedReport> {
  const limits = { runs: options.runs, limitMs: TIME_LIMIT_MS };
  const answer = await model.measure({ what: { answer: { sourceSize: SOURCE_SIZE } }, ...limits });
  const batches: BatchReport[] = [];
  for (const batch of BATCHES) {
    batches.push(await measureBatch(model, options, batch));
  }
  return { answer: summarise(answer.timesMs), batches };
}

async function measureBatch(
  { loaded }: InspectedModel,
  options: SpeedOptions,
  batch: number,
): Promise<BatchReport> {
  const { task } = loaded.contract;
  const impossible = batch === 1 ? undefined : whyNotTogether(loaded.contract.input, loaded.inputs);
  if (impossible !== undefined) return notMeasured(batch, impossible);
  try {
    const fresh = await openInspectedModel({ ...options, task });
    try {
      const limits = { runs: options.runs, limitMs: TIME_LIMIT_MS };
      const { timesMs, peakRssBytes, baselineRssBytes } = await fresh.measure({ what: { batch }, ...limits });
      const latency = summarise(timesMs);
      return {
        batch,
        latency,
        perInputMs: latency.p50Ms / batch,
        peakRssBytes,
        baselineRssBytes,
        notMeasured: null,
      };
    } finally {
      await fresh.close();
    }
  } catch (error) {
    options.signal.throwIfAborted();
    // The miner puts one request at a time to a model, so a larger batch may fail.
    if (batch === 1) throw error;
    return notMeasured(batch, `it fails: ${asMinerError(error, 'INTERNAL').message}`);
  }
}

function whyNotTogether(
  { layout, fit }: InputContract,
  [input]: readonly TensorSignature[],
): string | undefined {
  const declared = input?.shape[layout.indexOf('N')];
  if (declared === 1) return 'the ONNX input has a fixed batch of 1';
  return fit.mode === 'native' ? 'pictures keep their own size, so no two fit together' : undefined;
}

function notMeasured(batch: number, why: string): BatchReport {
  const nothing = { latency: null, perInputMs: null, peakRssBytes: null, baselineRssBytes: null };
  return { batch, ...nothing, notMeasured: why };
}

function summarise(timesMs: readonly number[]): Latency {
  return {
    runs: timesMs.length,
    p50Ms: percentile(timesMs, 0.5),
    p95Ms: percentile(timesMs, 0.95),
  };
}
