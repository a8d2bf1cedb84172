import { z } from 'zod';
import { type ModelJson, modelJsonSchema } from './model-json.ts';
import { unusable } from './model-refusals.ts';

/**
 * The content of a `model.json`.
 * @throws MinerError MODEL_INVALID naming every wrong field
 */
export function parseModelJson(text: string): ModelJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(`model.json is not JSON: ${String(error)}`);
  }
  const parsed = modelJsonSchema.safeParse(value);
  if (!parsed.success) throw unusable(`model.json is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
