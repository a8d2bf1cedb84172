import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import type { ModelJson, Task } from '../../src/inference/contract/model-json.ts';
import { meanHead, redMask, writeModel } from './models.ts';

/** A model that must be refused wherever it is loaded. */
export interface RefusedModel {
  readonly name: string;
  readonly task: Task;
  readonly code: ErrorCode;
  /** Parts of the message, in this order. */
  readonly words: readonly string[];
  /** Writes it into the folder, which exists. @returns the model path */
  write(folder: string): string;
}

export const IDENTITY = [1 / 64, 0, 0, 0, 1 / 64, 0, 0, 0, 1 / 64];
/** Models that would do, but for what is said of them. */
export const GOOD = meanHead({ weights: IDENTITY, outputs: 3, shape: ['N', 3, 8, 8] });
export const GOOD_MASK = redMask(['N', 3, 8, 8]);

/** A model that is written as it stands. */
export function refused(
  name: string,
  code: ErrorCode,
  words: readonly string[],
  onnx: Uint8Array,
  {
    task = 'image',
    json,
    beside = {},
  }: { task?: Task; json?: ModelJson; beside?: Record<string, Uint8Array> } = {},
): RefusedModel {
  return {
    name,
    task,
    code,
    words,
    write(folder) {
      for (const [file, bytes] of Object.entries(beside)) writeFileSync(join(folder, file), bytes);
      return writeModel(folder, '.', onnx, json);
    },
  };
}

export const input = (fields: NonNullable<ModelJson['input']>, task: Task = 'image') => ({
  task,
  json: { input: fields },
});
export const output = (fields: NonNullable<ModelJson['output']>, task: Task = 'image') => ({
  task,
  json: { output: fields },
});

/** Matches an error of this code whose message has all the parts, in this order. */
export function refusal(code: ErrorCode, ...parts: readonly string[]): unknown {
  return expect.objectContaining({ code, message: wordsInOrder(parts) });
}

/** Matches a text that has all the parts, in this order. */
export function wordsInOrder(parts: readonly string[]): unknown {
  const pattern = parts.map((part) => part.replace(/[[\]().?*+^$|\\{}]/g, '\\$&')).join('.*');
  return expect.stringMatching(new RegExp(pattern, 's'));
}
