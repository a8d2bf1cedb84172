import { MinerError } from '../errors.ts';
import type { Engine, EngineInput, Prediction } from '../inference/engine.ts';
import type { AnsweredMessage } from './child-protocol.ts';
import type { InspectedModel } from './inspected-model.ts';

/** An engine for one request after the other that also keeps what the model said before an answer was made of it. */
export interface InspectionEngine extends Engine {
  /** What the latest request gave; undefined before the first. */
  readonly latest: AnsweredMessage | undefined;
  /** The picture or clip of it as it was sent. */
  readonly latestSize: EngineInput['sourceSize'] | undefined;
}

/** Lets the miner's own way of answering work with a model that is being inspected. Ending the model is left to others. */
export function createInspectionEngine({ loaded, ask }: InspectedModel): InspectionEngine {
  const { contract } = loaded;
  let latest: AnsweredMessage | undefined;
  let latestSize: EngineInput['sourceSize'] | undefined;
  return {
    task: contract.task,
    contract,
    get latest() {
      return latest;
    },
    get latestSize() {
      return latestSize;
    },
    status: () => {
      throw new MinerError('INTERNAL', 'a model that is inspected has no life to tell of');
    },
    ready: async () => undefined,
    async infer({ frames, sourceSize }: EngineInput): Promise<Prediction> {
      const { data: pixels, count, height, width } = frames;
      latest = await ask({ pixels, count, height, width, sourceSize });
      latestSize = sourceSize;
      const { answer } = latest;
      if (answer.kind === 'probabilities') return answer;
      return { kind: 'mask', float16le: Buffer.from(answer.bytes), ...sourceSize };
    },
    close: async () => undefined,
  };
}
