import type { TensorSignature } from './contract.ts';
import type { ModelJson, Task } from './model-json.ts';

export interface DeducedTask {
  readonly task: Task;
  /** Why, as the end of a sentence. */
  readonly reason: string;
}

/** What a model is made for: its `model.json` says it, or else the shapes of its input and output. */
export function deduceTask(
  json: ModelJson | undefined,
  inputs: readonly TensorSignature[],
  outputs: readonly TensorSignature[],
): DeducedTask {
  if (json?.task !== undefined) return { task: json.task, reason: 'model.json says so' };
  const kind = json?.output?.kind;
  if (kind === 'mask') return { task: 'mask', reason: 'model.json says output.kind mask' };
  const dimensions = json?.input?.layout?.length ?? inputs[0]?.shape.length;
  if (dimensions === 5) return { task: 'video', reason: 'its input has five dimensions' };
  const name = json?.output?.name ?? outputs[0]?.name;
  const output = outputs.find((each) => each.name === name);
  if (kind === undefined && (output?.shape.length ?? 0) >= 3) {
    return { task: 'mask', reason: 'its output has the shape of a mask' };
  }
  return { task: 'image', reason: 'it is neither for clips nor for masks' };
}
