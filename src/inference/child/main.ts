import { MinerError } from '../../errors.ts';
import type { ChildPrediction, RunMessage, RunResult } from '../worker/messages.ts';
import { readPayload, writeResult } from '../worker/pixel-transfer.ts';
import type { WarmModel } from './load-model.ts';
import { predict } from './predict.ts';
import { serveModel } from './serve.ts';

/** The process that runs a model for the miner. Its parent's end is in worker/. */

async function run({ session, contract }: WarmModel, message: RunMessage): Promise<RunResult> {
  const startedAt = performance.now();
  const { count, height, width, sourceSize, resultFile } = message;
  const frames = { data: readPayload(message.pixels), count, height, width };
  const predicted = await predict(session, contract, frames, sourceSize);
  const prediction: ChildPrediction =
    predicted.kind === 'mask'
      ? { kind: 'mask', float16le: writeResult(predicted.bytes, resultFile) }
      : predicted;
  return { prediction, runMs: performance.now() - startedAt };
}

serveModel(run, ({ provider }, error) => {
  // After an error of CUDA, every later call fails in this process; a new one starts with a clean device.
  if (provider === 'cuda' && !(error instanceof MinerError)) process.disconnect();
});
