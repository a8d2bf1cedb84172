import { expect } from 'vitest';
import { makeJpeg } from '../fixtures/media.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';

/** A miner of the host. */
export interface Miner {
  /** What pm2 calls it. */
  readonly name: string;
  readonly hotkey: string;
  readonly axonPort: number;
  readonly adminPort: number;
}

interface Readyz {
  readonly status: number;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
}

export async function readyz({ adminPort }: Miner): Promise<Readyz> {
  const answer = await call(adminPort, '/readyz');
  const { reasons, warnings } = answer.json() as unknown as Omit<Readyz, 'status'>;
  return { status: answer.status, reasons, warnings };
}

/** Resolves once /readyz is true and the chain is connected. The time limit of the test bounds the wait. */
export function untilReady(miner: Miner): Promise<void> {
  return until(async () => {
    const seen = await readyz(miner).catch(() => undefined);
    return seen?.status === 200 && !seen.warnings.some((warning) => warning.includes('the chain is away'));
  });
}

/** Resolves once a reason or a warning of /readyz says it. */
export function untilSays(miner: Miner, words: RegExp): Promise<void> {
  return until(async () => {
    const { reasons, warnings } = await readyz(miner);
    return [...reasons, ...warnings].some((sentence) => words.test(sentence));
  });
}

/** Sends a picture as a validator does, and expects a prediction. */
export async function expectServes(
  { axonPort, hotkey }: Miner,
  path: '/detect_image' | '/segment_image' = '/detect_image',
): Promise<void> {
  const jpeg = await makeJpeg({ width: 64, height: 48, seed: 1 });
  const answer = await createValidator('//Alice').post(axonPort, path, jpeg, { receiver: hotkey });
  expect(answer.status).toBe(200);
  if (path === '/detect_image') expect(answer.json().prediction).toHaveLength(3);
  else expect(answer.headers['x-mask-shape']).toBe('48,64');
}
