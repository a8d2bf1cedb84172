import { type ErrorCode, MinerError } from '../../errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Fit, RgbFrames } from '../frames.ts';
import { IMAGE_MEMORY_LIMIT_BYTES, IMAGE_TIME_LIMIT_MS } from '../limits.ts';
import { judgePicture } from './judge-picture.ts';
import { asFatalPictureError } from './picture-error.ts';
import {
  type PictureAnswer,
  type PictureProcess,
  type PictureProcessEnd,
  startPictureProcess,
} from './picture-process.ts';

interface DecodeOptions {
  readonly fit: Fit;
  readonly signal: AbortSignal;
  /** Pixels of the picture at most; `IMAGE_PIXELS_LIMIT` if absent. */
  readonly pixelsLimit?: number;
}

export interface DecodedPicture {
  /** One frame, fitted. */
  readonly frames: RgbFrames;
  /** The picture's size before it was fitted. */
  readonly source: { readonly height: number; readonly width: number };
}

/** Decodes pictures in child processes, one picture at a time in each. One for each miner, which owns it. */
export interface PictureDecoder {
  /**
   * Decodes a picture to 8-bit RGB and fits it. Settles when nothing works on the picture any more; a process that
   * still worked on it has ended.
   *
   * @param bytes the whole file
   * @throws MinerError MEDIA_UNSUPPORTED, MEDIA_TOO_LARGE, MEDIA_UNDECODABLE, MEDIA_TIMEOUT, MEDIA_DECODER_MISSING,
   *   INTERNAL (no process can be started); the signal's reason once it is aborted
   */
  decode(bytes: Buffer, options: DecodeOptions): Promise<DecodedPicture>;
  /** Kills the processes. Resolves when nothing is left of them. */
  close(): Promise<void>;
}

interface PictureDecoderOptions {
  /** Pictures decoded at once, at least 1. */
  readonly processes: number;
  readonly logger: Logger;
  /** Time for one picture, without the wait for a process; `IMAGE_TIME_LIMIT_MS` if absent. */
  readonly timeLimitMs?: number;
}

/** A picture that waits for a process and for memory. */
interface Waiting {
  readonly neededBytes: number;
  readonly start: (child: PictureProcess) => void;
  readonly refuse: (error: unknown) => void;
}

/** The pause before a process that decoded nothing is replaced. It doubles each time, up to the second value. */
const RESTART_AFTER_MS = 100;
const RESTART_AFTER_MOST_MS = 30_000;

/**
 * Starts the processes at once, so that the first picture does not wait. A process that ended is replaced.
 */
export function createPictureDecoder({
  processes,
  logger,
  timeLimitMs = IMAGE_TIME_LIMIT_MS,
}: PictureDecoderOptions): PictureDecoder {
  const children = new Set<PictureProcess>();
  const idle = new Set<PictureProcess>();
  const waiting = new Set<Waiting>();
  const restarts = new Set<NodeJS.Timeout>();
  let freeBytes = IMAGE_MEMORY_LIMIT_BYTES;
  /** Why no process runs; undefined while one runs or starts. */
  let broken: MinerError | undefined;
  let closed = false;

  /** @param failures earlier starts in a row without a decoded picture */
  function start(failures = 0): void {
    const child = startPictureProcess();
    children.add(child);
    void child.ready.then(() => {
      broken = undefined;
      if (!child.alive) return;
      idle.add(child);
      dispatch();
    });
    void child.gone.then((end) => {
      children.delete(child);
      idle.delete(child);
      if (closed) return;
      if (child.given > 0) return start();
      reportFailure(end);
      const delayMs = Math.min(RESTART_AFTER_MS * 2 ** failures, RESTART_AFTER_MOST_MS);
      const timer = setTimeout(() => {
        restarts.delete(timer);
        start(failures + 1);
      }, delayMs);
      restarts.add(timer);
    });
  }

  function reportFailure({ how, complaint, startError }: PictureProcessEnd): void {
    const words = `the process that decodes pictures ${how}`;
    logger.error({ complaint }, startError?.message ?? words);
    if (children.size > 0) return;
    broken = startError ?? new MinerError('INTERNAL', words);
    for (const picture of waiting) picture.refuse(broken);
  }

  /** Gives each idle process the first picture for which there is memory. */
  function dispatch(): void {
    for (const child of idle) {
      const next = [...waiting].find((picture) => picture.neededBytes <= freeBytes);
      if (next === undefined) return;
      idle.delete(child);
      freeBytes -= next.neededBytes;
      next.start(child);
    }
  }

  function turn(neededBytes: number, signal: AbortSignal): Promise<PictureProcess> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(entry);
        signal.removeEventListener('abort', giveUp);
      };
      const refuse = (error: unknown): void => {
        leave();
        reject(error);
      };
      const giveUp = (): void => refuse(signal.reason);
      const begin = (child: PictureProcess): void => {
        leave();
        resolve(child);
      };
      const entry: Waiting = { neededBytes, start: begin, refuse };
      waiting.add(entry);
      signal.addEventListener('abort', giveUp, { once: true });
      dispatch();
    });
  }

  /** Decodes one picture in one process. Settles when it has answered or ended. */
  async function work(child: PictureProcess, bytes: Buffer, { fit, signal }: DecodeOptions) {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, timeLimitMs);
    signal.addEventListener('abort', child.kill, { once: true });
    if (signal.aborted) child.kill();
    try {
      const answer = await child.request(bytes, fit);
      if (answer !== undefined && child.alive) return toDecoded(answer, fit);
      const { how, complaint } = await child.gone;
      signal.throwIfAborted();
      if (late) {
        throw new MinerError('MEDIA_TIMEOUT', `the image took more than ${timeLimitMs / 1000} s to decode`);
      }
      if (closed) throw closing();
      logger.warn({ complaint }, `the process that decodes pictures ${how} during a picture`);
      throw asFatalPictureError(how, complaint);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', child.kill);
    }
  }

  for (let count = 0; count < processes; count++) start();

  return {
    async decode(bytes, options) {
      const { signal } = options;
      signal.throwIfAborted();
      const neededBytes = judgePicture(bytes, options.pixelsLimit);
      if (closed) throw closing();
      if (broken !== undefined) throw broken;
      const child = await turn(neededBytes, signal);
      try {
        return await work(child, bytes, options);
      } finally {
        freeBytes += neededBytes;
        if (child.alive) idle.add(child);
        dispatch();
      }
    },
    async close() {
      closed = true;
      for (const timer of restarts) clearTimeout(timer);
      for (const picture of waiting) picture.refuse(closing());
      for (const child of children) child.kill();
      await Promise.all([...children].map((child) => child.gone));
    },
  };
}

function closing(): MinerError {
  return new MinerError('AXON_CLOSING', 'pictures are no longer decoded');
}

/** The codes of refusals. A process that answers another code was taken over by a picture. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  'MEDIA_UNSUPPORTED',
  'MEDIA_TOO_LARGE',
  'MEDIA_UNDECODABLE',
]);

/** @throws MinerError the refusal */
function toDecoded({ message, pixels }: PictureAnswer, fit: Fit): DecodedPicture {
  if (message.type === 'refused') {
    const code = REFUSALS.has(message.code) ? message.code : 'MEDIA_UNDECODABLE';
    throw new MinerError(code, message.message);
  }
  const { source } = message;
  const { height, width } = fit.mode === 'native' ? source : fit;
  if (pixels.length !== height * width * 3) {
    throw new MinerError('MEDIA_UNDECODABLE', `the image decodes to ${pixels.length} bytes`);
  }
  return { frames: { data: pixels, count: 1, height, width }, source };
}
