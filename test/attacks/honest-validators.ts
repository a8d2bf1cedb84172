import { setTimeout as sleep } from 'node:timers/promises';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { call, createValidator } from '../fixtures/validator.ts';

/** Validators are gone then. */
const PATIENCE_MS = 11_000;
const URIS = ['//Honest0', '//Honest1', '//Honest2', '//Honest3', '//Honest4', '//Honest5'] as const;

export type HonestValidators = Awaited<ReturnType<typeof createHonestValidators>>;

export interface HonestFigures {
  readonly asked: number;
  /** Answered with 200 before the validator is gone. */
  readonly inTime: number;
  /** What came instead, such as `503 ADMISSION_DEADLINE`, and how often. */
  readonly others: Readonly<Record<string, number>>;
}

/** A request that somebody on its way sees before it arrives. */
export interface OverheardRequest {
  readonly port: number;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

type Overhear = (request: OverheardRequest) => Promise<unknown>;

/** Six validators who ask in turn and at a fixed pace, however late the answers are. */
export async function createHonestValidators(task: 'detector' | 'segmenter') {
  const validators = URIS.map(createValidator);
  const picture = await makeJpeg({ width: 256, height: 256, seed: 1 });
  const clip = await makeClip({ width: 160, height: 120, frames: 24, seed: 2 });
  const isDetector = task === 'detector';
  const picturePath = isDetector ? '/detect_image' : '/segment_image';
  const clipEvery = isDetector ? 5 : Number.POSITIVE_INFINITY;

  async function ask(port: number, turn: number, overhear?: Overhear): Promise<string> {
    const validator = validators[turn % validators.length] as (typeof validators)[number];
    const [path, body] =
      turn % clipEvery === clipEvery - 1 ? ['/detect_video', clip] : [picturePath, picture];
    const headers = { ...validator.sign({ body }), 'Content-Type': 'application/octet-stream' };
    await overhear?.({ port, path, headers, body });
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      const answer = await call(port, path, { method: 'POST', headers, body, signal });
      return answer.status === 200 ? '200' : `${answer.status} ${answer.json().code ?? ''}`.trim();
    } catch (error) {
      return signal.aborted ? 'too late' : `no answer: ${(error as NodeJS.ErrnoException).code}`;
    }
  }

  return {
    addresses: validators.map(({ address }) => address),
    /** Asks so often; a fifth of a detector's requests are clips. */
    async ask(port: number, requests: number, everyMs: number, overhear?: Overhear): Promise<HonestFigures> {
      const answers: Array<Promise<string>> = [];
      for (let turn = 0; turn < requests; turn++) {
        answers.push(ask(port, turn, overhear));
        await sleep(everyMs);
      }
      const others: Record<string, number> = {};
      let inTime = 0;
      for (const answer of await Promise.all(answers)) {
        if (answer === '200') inTime++;
        else others[answer] = (others[answer] ?? 0) + 1;
      }
      return { asked: requests, inTime, others };
    },
    /** Milliseconds until a picture is answered, asked for again and again. */
    async recovery(port: number): Promise<number> {
      const startedAt = performance.now();
      while ((await ask(port, 0)) !== '200') await sleep(100);
      return performance.now() - startedAt;
    },
  };
}
