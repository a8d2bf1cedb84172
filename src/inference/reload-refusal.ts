import { asMinerError, type ErrorCode, MinerError } from '../errors.ts';
import type { ModelGeneration } from './model-generation.ts';
import { lacksMemory } from './want-of-memory.ts';

/** Why a new model was not taken, as it stands in the log. */
interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly remedy: string;
  readonly [field: string]: unknown;
}

const TWO_MODELS =
  'while a model is changed there are two in memory; where there is room for one only, restart the miner to change it';

/** What to say of a model that failed while another answered. */
export function refusalOf(error: unknown): Refusal {
  const refusal = asMinerError(error, 'MODEL_UNREADABLE');
  const { code, message, remedy, fields } = refusal;
  const detail = lacksMemory(refusal) ? `${message} (${TWO_MODELS})` : message;
  return { ...fields, code, detail, remedy };
}

/**
 * A GPU that has no room for two models makes the second one run on the CPU, too slow to answer in time.
 * @throws MinerError MODEL_DEVICE_UNAVAILABLE
 */
export function requireSameProvider(current: ModelGeneration | undefined, next: ModelGeneration): void {
  if (current?.announced?.provider !== 'cuda' || current.state === 'failed') return;
  if (next.announced?.provider === 'cuda') return;
  const reason = next.announced?.cudaFailure ?? 'no part of it ran on CUDA';
  throw new MinerError(
    'MODEL_DEVICE_UNAVAILABLE',
    `the model before it runs on CUDA, and this one would run on the CPU: ${reason}`,
  );
}
