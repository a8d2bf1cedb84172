import type { AnsweringEngine } from '../../answering/answerer.ts';
import type { EngineInput, Prediction } from '../../inference/engine.ts';
import type { AnsweredMessage } from '../child-protocol.ts';
import type { InspectedModel } from '../inspected-model.ts';

/** What the miner's own way of answering needs of an engine; it also keeps what came before the answer. */
export interface InspectionEngine extends AnsweringEngine {
  /** The latest request: what the model gave, and the picture or clip as it was sent; undefined before the first. */
  readonly latest:
    | { readonly answered: AnsweredMessage; readonly size: EngineInput['sourceSize'] }
    | undefined;
}

/** Gives requests to a model that is being inspected, one after the other. Ending the model is left to others. */
export function createInspectionEngine({ loaded, ask }: InspectedModel): InspectionEngine {
  const { contract } = loaded;
  let latest: InspectionEngine['latest'];
  const infer = async ({ frames, sourceSize }: EngineInput): Promise<Prediction> => {
    const { data: pixels, count, height, width } = frames;
    const answered = await ask({ pixels, count, height, width, sourceSize });
    latest = { answered, size: sourceSize };
    const { answer } = answered;
    if (answer.kind === 'probabilities') return answer;
    return { kind: 'mask', float16le: Buffer.from(answer.bytes), ...sourceSize };
  };
  return {
    get latest() {
      return latest;
    },
    state: 'ready',
    use: (work) => work({ contract, infer }),
  };
}
