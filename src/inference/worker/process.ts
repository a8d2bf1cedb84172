import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { ChildMessage, ParentMessage } from './messages.ts';

/** The process ended before it answered. */
export class ModelProcessGone extends Error {
  override readonly name = 'ModelProcessGone';
  /** Whether it had been given the request, and so may have died of it. */
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

/** One life of a model's process. */
export interface ModelProcess<Message = ParentMessage, Answer = ChildMessage> {
  readonly pid: number | undefined;
  /** False from the moment its end is known. */
  readonly alive: boolean;
  /**
   * Sends a message and waits for the answer; one at a time.
   * @param limitMs a process that has not answered by then hangs, and is killed
   * @throws ModelProcessGone
   */
  request(message: Message, limitMs: number): Promise<Answer>;
  /** Resolves when nothing is left of it. */
  readonly gone: Promise<ModelProcessEnd>;
  /** From now on, where memory runs out, the kernel ends a process that still loads before this one. */
  makeLessExpendable(): void;
  kill(): void;
}

const STDERR_TAIL_CHARS = 4096;

/**
 * What the model's process may know: where to find libraries and GPUs. Not the wallet's variables; it runs code
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

/** Between that of the miner, 0, and that which a model's process gives itself when it starts, 500. */
const PROVEN_OOM_SCORE = 300;

/**
 * Starts a process for a model; it ends with this one, however this one ends.
 * @param title its argument, by which it is told apart in a list of processes
 * @param program what it runs, by its name in the `imports` of package.json; it has to speak `Message` and `Answer`
 */
export function startModelProcess<Message extends object = ParentMessage, Answer = ChildMessage>(
  title: string,
  program = '#inference-child',
): ModelProcess<Message, Answer> {
  const entry = createRequire(import.meta.url).resolve(program);
  const child = fork(entry, [title], {
    env: {
      ...Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]])),
      // Else ONNX Runtime reports each session to Microsoft, and leaves files in TMPDIR and in ~/.cache for that.
      ORT_DISABLE_TELEMETRY: '1',
    },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let alive = true;
  let stderr = '';
  let hung: string | undefined;
  let pending: { answer(message: Answer): void; fail(error: ModelProcessGone): void } | undefined;

  const kill = (): void => {
    child.kill('SIGKILL');
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARS);
  });
  // The other end is a program of this repository, which sends nothing else.
  child.on('message', (message) => pending?.answer(message as Answer));
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

  const request = async (message: Message, limitMs: number): Promise<Answer> => {
    if (!alive || !child.connected) throw new ModelProcessGone('had ended', false);
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Answer>((answer, fail) => {
        const mine = { answer, fail };
        pending = mine;
        timer = setTimeout(() => {
          // An answer that came while this event loop was held up is read before the verdict.
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
    request,
    gone,
    makeLessExpendable() {
      // Not Linux, or not allowed: then the kernel chooses by itself.
      writeFile(`/proc/${child.pid}/oom_score_adj`, String(PROVEN_OOM_SCORE)).catch(() => undefined);
    },
    kill,
  };
}
