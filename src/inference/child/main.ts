import { asMinerError, MinerError } from '../../errors.ts';
import { obeyParent } from '../../obey-parent.ts';
import type { ChildMessage, ChildPrediction, ParentMessage, RunMessage } from '../worker/messages.ts';
import { readPayload, writeResult } from '../worker/pixel-transfer.ts';
import { type LoadedModel, loadModel } from './load-model.ts';
import { predict } from './predict.ts';

/**
 * The process that runs a model. ONNX Runtime blocks the event loop while it runs and can take its process with it
 * when it fails, so it lives here and not in the miner. It speaks the messages of child-protocol.ts.
 */

function send(message: ChildMessage): void {
  process.send?.(message);
}

async function answer(model: LoadedModel, message: RunMessage): Promise<void> {
  const startedAt = performance.now();
  try {
    const { count, height, width, sourceSize, resultFile } = message;
    const frames = { data: readPayload(message.pixels), count, height, width };
    const predicted = await predict(model.session, model.contract, frames, sourceSize);
    const prediction: ChildPrediction =
      predicted.kind === 'mask'
        ? { kind: 'mask', float16le: writeResult(predicted.bytes, resultFile) }
        : predicted;
    send({ type: 'result', prediction, runMs: performance.now() - startedAt });
  } catch (error) {
    const { code, message: text } = asMinerError(error, 'INFERENCE_FAILED');
    // A model that was fit at its warm-up and gives another shape now has failed on this input.
    const shown = code.startsWith('MODEL_') ? 'INFERENCE_FAILED' : code;
    send({ type: 'failed', code: shown, message: text });
    // An error of CUDA stays with the process that met it; a fresh one starts with a clean device.
    if (model.provider === 'cuda' && !(error instanceof MinerError)) process.disconnect();
  }
}

function main(): void {
  obeyParent();
  let loaded: LoadedModel | undefined;
  process.on('message', async (message: ParentMessage) => {
    if (message.type === 'run') {
      if (loaded !== undefined) await answer(loaded, message);
      return;
    }
    try {
      loaded = await loadModel(message);
      const { session: _, useByProvider, ...facts } = loaded;
      const nodes = Object.entries(useByProvider).map(([provider, use]) => [provider, use.nodes] as const);
      send({ type: 'ready', ...facts, nodesByProvider: Object.fromEntries(nodes) });
    } catch (error) {
      const { code, message: text } = asMinerError(error, 'MODEL_UNREADABLE');
      send({ type: 'refused', code, message: text });
    }
  });
}

main();
