import { setTimeout as sleep } from 'node:timers/promises';
import { makeClip, makeJpeg } from '../fixtures/media.ts';
import { createValidator } from '../fixtures/validator.ts';

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

/** Six validators who ask in turn and at a fixed pace, however late the answers are. */
export async function createHonestValidators(task: 'detector' | 'segmenter') {
  const validators = URIS.map(createValidator);
  const picture = await makeJpeg({ width: 256, height: 256, seed: 1 });
  const clip = await makeClip({ width: 160, height: 120, frames: 24, seed: 2 });
  const [picturePath, clipEvery] = task === 'detector' ? ['/detect_image', 5] : ['/segment_image', Infinity];

  async function ask(port: number, turn: number): Promise<string> {
    const validator = validators[turn % validators.length] as (typeof validators)[number];
    const isClip = turn % clipEvery === clipEvery - 1;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      const answer = await (isClip
        ? validator.post(port, '/detect_video', clip, { signal, headers: { 'Content-Type': 'video/mp4' } })
        : validator.post(port, picturePath, picture, { signal }));
      return answer.status === 200 ? '200' : `${answer.status} ${answer.json().code ?? ''}`.trim();
    } catch (error) {
      return signal.aborted ? 'too late' : `no answer: ${(error as NodeJS.ErrnoException).code}`;
    }
  }

  return {
    addresses: validators.map(({ address }) => address),
    /** Asks so often; a fifth of a detector's requests are clips. */
    async ask(port: number, requests: number, everyMs: number): Promise<HonestFigures> {
      const answers: Array<Promise<string>> = [];
      for (let turn = 0; turn < requests; turn++) {
        answers.push(ask(port, turn));
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
