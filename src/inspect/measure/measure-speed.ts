import { asMinerError } from '../../errors.ts';
import type { InputContract, TensorSignature } from '../../inference/contract/contract.ts';
import { type InspectedModel, type InspectOptions, openInspectedModel } from '../inspected-model.ts';
import type { BatchReport, Latency, SpeedReport } from '../report.ts';
import { percentile } from './percentile.ts';

interface SpeedOptions extends InspectOptions {
  /** Runs that are timed at most for each number. */
  readonly runs: number;
}

/** Time for each number; a slower model has fewer runs. */
const TIME_LIMIT_MS = 10_000;
const BATCHES = [1, 4] as const;
/** The picture whose mask is made: 4 million pixels, as a telephone takes them. */
const SOURCE_SIZE = { height: 2048, width: 2048 };

/**
 * How long a model takes, and how much memory. Each batch runs in a process of its own, so that what one needs is not
 * counted for the other.
 * @param model loaded already
 * @throws MinerError where the model fails at a single picture or clip; the signal's reason
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
    // The miner puts one request to a model at a time: more at once may fail, and do no harm.
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
