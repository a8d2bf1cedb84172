import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { MinerError } from '../../errors.ts';
import type { Fit } from '../frames.ts';
import { startLimited } from '../limited-child.ts';
import { FRAMES_LIMIT_BYTES, PICTURE_PROCESS_MEMORY_LIMIT_BYTES } from '../limits.ts';
import { createMessageReader, encodeHead, type PictureMessage } from './picture-messages.ts';
import { openPixelFile } from './pixel-file.ts';

/** The answer of a process to a picture. The pixels of a refusal are empty. */
export interface PictureAnswer {
  readonly message: Exclude<PictureMessage, { type: 'ready' }>;
  readonly pixels: Buffer;
}

/** How a process ended. */
export interface PictureProcessEnd {
  readonly how: string;
  /** The start of its standard error, on one line. */
  readonly complaint: string;
  /** Why it was not started; undefined if it was. */
  readonly startError: MinerError | undefined;
}

/** One child process that decodes pictures. Owned by the picture decoder. */
export interface PictureProcess {
  /** False from its end on, or from `kill` on. */
  readonly alive: boolean;
  /** The number of pictures that it was given. */
  readonly given: number;
  /** Resolves when it can take a picture; never if it ends before. */
  readonly ready: Promise<void>;
  /**
   * Decodes and fits a picture, one at a time.
   * @returns undefined if the process ended before it answered
   */
  request(bytes: Buffer, fit: Fit): Promise<PictureAnswer | undefined>;
  /** Resolves when nothing is left of it. */
  readonly gone: Promise<PictureProcessEnd>;
  kill(): void;
}

/**
 * A small heap is enough: pixels lie outside it, and are freed after each picture. One thread of libuv decodes, because
 * there is one picture at a time, and one of V8 compiles. Each further thread would take memory from the limit.
 */
const NODE_OPTIONS = [
  '--max-old-space-size=64',
  '--max-semi-space-size=2',
  '--v8-pool-size=1',
  '--expose-gc',
];
/**
 * glibc keeps up to 32 MiB for the next picture. Fresh memory would cost a tenth of the time of 1024 × 1024 pixels.
 */
const KEPT_BYTES = String(32 * 1024 * 1024);
const ENVIRONMENT = {
  UV_THREADPOOL_SIZE: '1',
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: KEPT_BYTES,
  MALLOC_TRIM_THRESHOLD_: KEPT_BYTES,
};

/**
 * Starts a process that decodes pictures, under a kernel limit on memory. It ends with this process, however this one
 * ends.
 */
export function startPictureProcess(): PictureProcess {
  const entry = createRequire(import.meta.url).resolve('#picture-child');
  const shared = openPixelFile(randomUUID());
  const limited = startLimited({
    program: process.execPath,
    args: [...NODE_OPTIONS, entry],
    limits: [`--data=${PICTURE_PROCESS_MEMORY_LIMIT_BYTES}`, `--fsize=${FRAMES_LIMIT_BYTES}`],
    environment: ENVIRONMENT,
    stdio: ['pipe', 'pipe', 'pipe', shared?.descriptor ?? 'ignore'],
  });
  const child = limited.child as ChildProcessWithoutNullStreams;
  let ended = false;
  let killed = false;
  let given = 0;
  let answer: ((answer: PictureAnswer | undefined) => void) | undefined;
  let becomeReady: () => void = () => undefined;
  const ready = new Promise<void>((resolve) => {
    becomeReady = resolve;
  });

  const kill = (): void => {
    killed = true;
    limited.kill();
  };
  const receive = async (message: PictureAnswer['message'], payload: Buffer): Promise<PictureAnswer> => {
    if (message.type === 'refused' || message.sharedBytes === 0) return { message, pixels: payload };
    if (shared === undefined || message.sharedBytes > FRAMES_LIMIT_BYTES) throw new Error('no such pixels');
    return { message, pixels: await shared.read(message.sharedBytes) };
  };
  const read = createMessageReader<PictureMessage>({
    payloadLimitBytes: FRAMES_LIMIT_BYTES,
    onMessage: (message, pixels) => {
      if (message.type === 'ready') becomeReady();
      else void receive(message, pixels).then((received) => answer?.(received), kill);
    },
  });
  child.stdout.on('data', (piece: Buffer) => {
    try {
      read(piece);
    } catch {
      // It was taken over by a picture: nothing that it says counts.
      kill();
    }
  });
  // The pipes break when the child ends; its exit says why it ended.
  for (const pipe of [child.stdin, child.stdout]) pipe.on('error', () => undefined);

  const gone = limited.gone.then(({ code, signal, complaint, startError }): PictureProcessEnd => {
    ended = true;
    shared?.close();
    answer?.(undefined);
    const how = signal === null ? `exited with status ${code}` : `was killed by ${signal}`;
    return { how, complaint: oneLine(complaint), startError };
  });

  return {
    get alive() {
      return !ended && !killed;
    },
    get given() {
      return given;
    },
    ready,
    async request(bytes, fit) {
      if (ended) return undefined;
      given += 1;
      const answered = new Promise<PictureAnswer | undefined>((resolve) => {
        answer = resolve;
      });
      child.stdin.write(encodeHead({ type: 'decode', fit, payloadBytes: bytes.length }));
      child.stdin.write(bytes);
      return answered;
    },
    gone,
    kill,
  };
}

/** On one line, without control characters: they could change an operator's terminal. */
function oneLine(complaint: string): string {
  return complaint.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
}
