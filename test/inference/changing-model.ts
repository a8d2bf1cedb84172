import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelJson } from '../../src/inference/contract/model-json.ts';
import type { OnnxEngineOptions } from '../../src/inference/onnx-engine.ts';
import { largest, lasting, type OpenEngine, plain, sourceSize, useEngines } from './harness.ts';
import { constantAnswer, writeModel } from './models.ts';

export const POLL_MS = 20;

/** Models that can be told apart by which of their three numbers is the largest. */
export const FIRST = constantAnswer([5, 0, 0], 8);
export const SECOND = constantAnswer([0, 5, 0], 16);
export const THIRD = constantAnswer([0, 0, 5], 8);

/** Engines whose model's files are changed while they run, and what is asked of them. */
export function useChangingModel() {
  const engines = useEngines();

  async function openFirst(options: Partial<OnnxEngineOptions> = {}, json?: ModelJson): Promise<OpenEngine> {
    const engine = engines.open('image', writeModel(engines.root, 'model', FIRST, json), {
      pollMs: POLL_MS,
      ...options,
    });
    await engine.ready();
    return engine;
  }

  const modelFile = (name = 'model.onnx'): string => join(engines.root, 'model', name);

  /** Puts a file into its place in one step. */
  function move(bytes: Uint8Array, name = 'model.onnx'): void {
    writeFileSync(modelFile(`${name}.new`), bytes);
    renameSync(modelFile(`${name}.new`), modelFile(name));
  }

  /** The index of the largest number that the engine answers. */
  function ask(engine: OpenEngine, contentHash = 'any'): Promise<number> {
    return engine.use(async ({ contract, infer }) => {
      const { fit } = contract.input;
      const size = fit.mode === 'native' ? sourceSize : fit;
      const input = { frames: plain([9, 9, 9], size), contentHash, sourceSize };
      return largest(await infer(input, lasting()));
    });
  }

  const resultOf = (engine: OpenEngine): string | undefined => engine.status().lastReload?.result;

  return { engines, openFirst, modelFile, move, ask, logged: engines.logged, resultOf };
}
