import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Task } from './contract/model-json.ts';
import type { Device, Engine, EngineState } from './engine.ts';
import { createModelKeeper } from './model-keeper.ts';
import type { HangLimits } from './worker/runner.ts';
import { closingError } from './worker/supervisor.ts';

export interface OnnxEngineOptions {
  readonly task: Task;
  /** A `.onnx` file, or a folder with `model.onnx`; `model.json` is looked for beside it. Only ever read. */
  readonly modelPath: string;
  readonly device: Device;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Where private files for large pictures and masks are made. */
  readonly temporary: TemporaryFolder;
  /**
   * Where private copies of the model's files are kept while it runs: on disk, and where no one tidies. Made if it is not
   * there; several engines and miners can share it.
   */
  readonly copiesFolder: string;
  readonly hangLimits?: HangLimits;
  /** Between two looks at whether the model's files have changed. */
  readonly pollMs?: number;
}

const DEFAULT_HANG_LIMITS: HangLimits = { loadMs: 180_000, floorMs: 3_000, ceilingMs: 10_000 };
const DEFAULT_POLL_MS = 2_000;

/**
 * ONNX Runtime in a process of its own, which is replaced when it dies or hangs, and when the model's files change.
 * Loading starts at once.
 */
export function createOnnxEngine({
  copiesFolder,
  hangLimits = DEFAULT_HANG_LIMITS,
  pollMs = DEFAULT_POLL_MS,
  ...options
}: OnnxEngineOptions): Engine {
  const { task, modelPath, device, clock, logger } = options;
  let cudaWarned = false;
  let closed = false;
  const keeper = createModelKeeper({
    copiesFolder,
    pollMs,
    clock,
    settings: {
      ...options,
      hangLimits,
      onCudaFailure(reason) {
        if (!cudaWarned) {
          logger.warn({ task, reason }, 'CUDA cannot be used: the model runs on the CPU and is slower');
        }
        cudaWarned = true;
      },
    },
  });

  const stateOf = (): EngineState => {
    if (closed) return 'closed';
    return keeper.current?.state ?? (keeper.failure === undefined ? 'warming' : 'failed');
  };

  return {
    task,
    get state() {
      return stateOf();
    },

    async ready(signal) {
      if (closed) throw closingError();
      await keeper.ready(signal);
    },

    status: () => ({
      modelPath,
      device,
      provider: undefined,
      nodesByProvider: {},
      pid: undefined,
      recentRestarts: 0,
      lastError: keeper.failure?.message,
      warmupMs: undefined,
      ...keeper.current?.status(),
      ...keeper.status(),
      state: stateOf(),
    }),

    async use(work) {
      if (closed) throw closingError();
      if (keeper.current === undefined) {
        throw keeper.failure ?? new MinerError('MODEL_WARMING', 'the model is still loading');
      }
      return keeper.current.use(work);
    },

    reload: keeper.reload,

    async close() {
      closed = true;
      await keeper.close();
    },
  };
}
