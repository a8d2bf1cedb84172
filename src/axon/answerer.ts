import type { Deadline } from '../admission/deadline.ts';
import type { Prediction } from '../inference/engine.ts';
import type { Task } from '../inference/model-json.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';
import type { ReceivedBody } from './body-sink.ts';

/** Turns a verified body into a prediction. */
export interface Answerer {
  /** The tasks of this miner's type. */
  readonly tasks: readonly Task[];
  /** Whether the model of the task is loaded and warm. */
  isWarm(task: Task): boolean;
  /**
   * Decodes the body and puts it to the model.
   * @throws MinerError MEDIA_*, INFERENCE_* or ADMISSION_DEADLINE
   */
  answer(task: Task, body: ReceivedBody, context: AnswerContext): Promise<Prediction>;
}

export interface AnswerContext {
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
}
