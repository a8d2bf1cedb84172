import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { MinerError } from '../../errors.ts';
import type { ChildAnswer } from './messages.ts';

/** The error of a request if the process ended before it answered. */
export class ModelProcessGone extends Error {
  override readonly name = 'ModelProcessGone';
  /** Whether the process had the request, and so may have died of it. */
  readonly duringRequest: boolean;

  constructor(how: string, duringRequest: boolean) {
    super(how);
    this.duringRequest = duringRequest;
  }
}

/** How a process ended. */
export interface ModelProcessEnd {
  readonly how: string;
  /** The last of what it wrote to standard error. */
  readonly stderr: string;
  /** Whether it had a request to answer. */
  readonly duringRequest: boolean;
}

/** One process of a model, from its start to its end. The supervisor owns it. */
export interface ModelProcess {
  readonly pid: number | undefined;
  /** False as soon as its end is known. */
  readonly alive: boolean;
  /**
   * Sends a message and waits for the result; one at a time.
   * @param limitMs a process that has not answered by then is killed
   * @throws MinerError if the process refuses; ModelProcessGone if it ends
   */
  request<Result>(message: { readonly type: string }, limitMs: number): Promise<Result>;
  /** Resolves when nothing is left of it. */
  readonly gone: Promise<ModelProcessEnd>;
  /** From now on, if memory runs out, the kernel ends a process that still loads before this one. */
  makeLessExpendable(): void;
  kill(): void;
}

const STDERR_TAIL_CHARS = 4096;

/**
 * Environment variables that the process gets: where libraries and GPUs are. It gets none of the wallet, since it runs code
 * that others wrote on input that strangers sent.
 */
const ENVIRONMENT = [
  'PATH',
  'HOME',
  'LANG',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'CUDA_HOME',
  'CUDA_PATH',
  'CUDA_VISIBLE_DEVICES',
  'CUDA_DEVICE_ORDER',
  'CUDA_CACHE_PATH',
  'NVIDIA_VISIBLE_DEVICES',
  'NVIDIA_DRIVER_CAPABILITIES',
];

/** Between the score of the miner, 0, and the score that a process of a model gives itself at its start, 500. */
const PROVEN_OOM_SCORE = 300;

/**
 * Starts a process for a model. It ends when this process ends, for whatever reason.
 * @param title its argument, to recognise it in a list of processes
 * @param program what it runs, by its name in the `imports` of package.json; it calls `serveModel`
 */
export function startModelProcess(title: string, program = '#inference-child'): ModelProcess {
  const entry = createRequire(import.meta.url).resolve(program);
  const child = fork(entry, [title], {
    env: {
      ...Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),
      // Without it, ONNX Runtime reports each session to Microsoft, and leaves files in TMPDIR and in ~/.cache.
      ORT_DISABLE_TELEMETRY: '1',
    },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let alive = true;
  let stderr = '';
  let hung: string | undefined;
  let pending: { answer(message: unknown): void; fail(error: ModelProcessGone): void } | undefined;

  const kill = (): void => {
    child.kill('SIGKILL');
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARS);
  });
  child.on('message', (message) => pending?.answer(message));
  child.on('disconnect', kill);

  const gone = new Promise<ModelProcessEnd>((resolve) => {
    const end = (how: string): void => {
      if (!alive) return;
      alive = false;
      resolve({ how: hung ?? how, stderr: stderr.trim(), duringRequest: pending !== undefined });
      pending?.fail(new ModelProcessGone(hung ?? how, true));
    };
    child.on('error', (error) => {
      if (child.pid === undefined) end(`could not be started: ${error.message}`);
      else kill();
    });
    child.on('close', (code, signal) =>
      end(signal === null ? `exited with status ${code}` : `was killed by ${signal}`),
    );
  });

  const exchange = async (message: object, limitMs: number): Promise<unknown> => {
    if (!alive || !child.connected) throw new ModelProcessGone('had ended', false);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<unknown>((answer, fail) => {
        const mine = { answer, fail };
        pending = mine;
        timer = setTimeout(() => {
          // If the event loop was held up, an answer may be there that has not been read yet.
          setImmediate(() => {
            if (pending !== mine) return;
            hung = `did not answer within ${Math.round(limitMs)} ms`;
            kill();
          });
        }, limitMs);
        child.send(message, (error) => {
          if (error !== null) kill();
        });
      });
    } finally {
      clearTimeout(timer);
      pending = undefined;
    }
  };

  return {
    pid: child.pid,
    get alive() {
      return alive;
    },
    async request<Result>(message: object, limitMs: number) {
      // The other end is a program of this repository, which sends nothing else.
      const answer = (await exchange(message, limitMs)) as ChildAnswer<Result>;
      if ('result' in answer) return answer.result;
      throw new MinerError(answer.refusal.code, answer.refusal.message);
    },
    gone,
    makeLessExpendable() {
      // Not Linux, or not permitted: the kernel chooses.
      writeFile(`/proc/${child.pid}/oom_score_adj`, String(PROVEN_OOM_SCORE)).catch(() => undefined);
    },
    kill,
  };
}
