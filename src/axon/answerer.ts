import type { AnswerAccount } from '../admission/answer-budget.ts';
import type { Deadline } from '../admission/deadline.ts';
import { MinerError } from '../errors.ts';
import type { Task } from '../inference/contract/model-json.ts';
import type { Prediction } from '../inference/engine.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';
import type { ReceivedBody } from './body-sink.ts';

/** Media that came inside of a body: one picture, or the frames of a clip in their order, a file each. */
export interface Pictures {
  readonly sha256Hex: string;
  readonly pictures: readonly Buffer[];
}

/** Turns verified media into a prediction. */
export interface Answerer {
  /** The tasks of this miner's type. */
  readonly tasks: readonly Task[];
  /** Whether the model of the task is loaded and warm. */
  isWarm(task: Task): boolean;
  /**
   * Decodes the media and puts it to the model.
   * @param media a body that is the file itself, or what was taken out of one
   * @throws MinerError MEDIA_*, INFERENCE_*, AXON_BUSY (no room for the answer) or ADMISSION_DEADLINE
   */
  answer(task: Task, media: ReceivedBody | Pictures, context: AnswerContext): Promise<Prediction>;
}

export interface AnswerContext {
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
  /** Charged with an answer that is large, before it is made. */
  readonly room: Pick<AnswerAccount, 'charge'>;
}

/** @throws MinerError MODEL_WARMING */
export function assertWarm(answerer: Answerer, task: Task): void {
  if (!answerer.isWarm(task)) throw new MinerError('MODEL_WARMING', 'the model is still loading');
}
