import { MinerError } from '../errors.ts';
import type { Task } from '../inference/contract/model-json.ts';
import type { Device } from '../inference/engine.ts';
import type { LoadMessage, ModelFacts } from '../inference/worker/messages.ts';
import { countPhysicalCores } from '../inference/worker/physical-cores.ts';
import { ModelProcessGone, startModelProcess } from '../inference/worker/process.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Answered, AskMessage, Measured, MeasureMessage } from './child-protocol.ts';

export interface InspectOptions {
  /** A `.onnx` file, or a folder with `model.onnx`; only read. */
  readonly modelPath: string;
  /** Undefined: model.json says it, or it is deduced. */
  readonly task: Task | undefined;
  readonly device: Device;
  readonly temporary: TemporaryFolder;
  /** Ends the process, and every call that waits for it. */
  readonly signal: AbortSignal;
}

/** A model in a new process, loaded and checked as the miner does. */
export interface InspectedModel {
  readonly loaded: ModelFacts;
  readonly threads: number;
  readonly pid: number | undefined;
  /** @throws MinerError INFERENCE_FAILED, MODEL_UNAVAILABLE if the process died */
  measure(message: Omit<MeasureMessage, 'type'>): Promise<Measured>;
  /** @throws MinerError INFERENCE_FAILED, MODEL_UNAVAILABLE if the process died */
  ask(message: Omit<AskMessage, 'type'>): Promise<Answered>;
  /** Ends the process; resolves when nothing is left of it. */
  close(): Promise<void>;
}

/** The same as in the miner. */
const LOAD_LIMIT_MS = 180_000;
/** For one picture or clip, and for a measurement beyond its own limit. */
const RUN_LIMIT_MS = 120_000;
/** The first run prepares memory and kernels; the last one is warm. */
const PROFILED_RUNS = 3;
/** The largest size of the profile. */
const SCRATCH_BYTES = 8 * 1024 * 1024;

/**
 * Starts a process and loads a model in it.
 * @throws MinerError MODEL_* if the miner would refuse the model at its start, in the same words; the signal's reason
 */
export async function openInspectedModel(options: InspectOptions): Promise<InspectedModel> {
  const { modelPath, task, device, temporary, signal } = options;
  signal.throwIfAborted();
  const scratch = await temporary.create(SCRATCH_BYTES);
  const child = startModelProcess('inspect', '#inspect-child');
  signal.addEventListener('abort', child.kill);
  const threads = countPhysicalCores();

  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', child.kill);
    child.kill();
    await child.gone;
    await scratch.remove();
  };
  const request = <Result>(message: { readonly type: string }, limitMs: number): Promise<Result> =>
    child.request<Result>(message, limitMs).catch(async (error: unknown) => {
      signal.throwIfAborted();
      if (!(error instanceof ModelProcessGone)) throw error;
      const { stderr } = await child.gone;
      const words = stderr === '' ? '' : `; its last words: ${stderr}`;
      throw new MinerError('MODEL_UNAVAILABLE', `the model process ${error.message}${words}`);
    });

  try {
    const scratchPrefix = `${scratch.path}-${child.pid}`;
    const profiledRuns = PROFILED_RUNS;
    const load: LoadMessage = { type: 'load', modelPath, task, device, threads, scratchPrefix, profiledRuns };
    return {
      loaded: await request(load, LOAD_LIMIT_MS),
      threads,
      pid: child.pid,
      measure: (message) => request({ type: 'measure', ...message }, message.limitMs + RUN_LIMIT_MS),
      ask: (message) => request({ type: 'ask', ...message }, RUN_LIMIT_MS),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
