import { asMinerError, type ErrorCode } from '../../errors.ts';
import { obeyParent } from '../../obey-parent.ts';
import type { ChildAnswer, LoadMessage } from '../worker/messages.ts';
import { loadModel, type WarmModel } from './load-model.ts';

/**
 * The life of a process with a model: it loads the model, then answers its parent until the parent ends it. ONNX Runtime
 * blocks the event loop while it runs, and its crash ends the process, so no model runs in the process of the miner.
 * @param respond gives the result of each message after the first, which is a `LoadMessage`
 * @param onFailure is called once the parent has the refusal of such a message
 */
export function serveModel<Message>(
  respond: (model: WarmModel, message: Message) => Promise<unknown>,
  onFailure: (model: WarmModel, error: unknown) => void = () => undefined,
): void {
  let model: WarmModel | undefined;
  obeyParent();
  process.on('message', async (message: unknown) => {
    if (model === undefined) {
      model = await load(message as LoadMessage);
      return;
    }
    try {
      send({ result: await respond(model, message as Message) });
    } catch (error) {
      refuse(error, 'INFERENCE_FAILED');
      onFailure(model, error);
    }
  });
}

async function load(message: LoadMessage): Promise<WarmModel | undefined> {
  try {
    const model = await loadModel(message);
    const { session: _, ...facts } = model;
    send({ result: facts });
    return model;
  } catch (error) {
    refuse(error, 'MODEL_UNREADABLE');
    return undefined;
  }
}

function refuse(error: unknown, fallback: ErrorCode): void {
  const { code, message } = asMinerError(error, fallback);
  // A model that passed its warm-up and now gives another shape has failed on this input.
  const isInputsFault = fallback === 'INFERENCE_FAILED' && code.startsWith('MODEL_');
  send({ refusal: { code: isInputsFault ? fallback : code, message } });
}

function send(answer: ChildAnswer<unknown>): void {
  process.send?.(answer);
}
