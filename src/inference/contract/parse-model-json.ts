import type { z } from 'zod';
import { nearest } from '../../config/nearest.ts';
import { MODEL_JSON_FIELDS, type ModelJson, modelJsonSchema } from './model-json.ts';
import { wrongJson } from './refusals.ts';

/**
 * The content of a `model.json`.
 * @throws MinerError MODEL_JSON_INVALID naming every wrong field, and the nearest known one for an unknown field
 */
export function parseModelJson(text: string): ModelJson {
  let value: unknown;
  try {
    // Editors on Windows put a byte order mark in front.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw wrongJson(`model.json is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = modelJsonSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw wrongJson(`model.json: ${parsed.error.issues.flatMap(describeIssue).join('; ')}`);
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => describeUnknown([...path, key]));
  return [`${path.length === 0 ? 'the file' : path.join('.')}: ${issue.message}`];
}

function describeUnknown(path: readonly string[]): string {
  const name = path.join('.');
  // A right name in the wrong place is recognised too.
  const elsewhere = MODEL_JSON_FIELDS.find((field) => field.split('.').at(-1) === path.at(-1));
  const guess = elsewhere ?? nearest(name, [...MODEL_JSON_FIELDS, 'input', 'output']);
  return `${name}: unknown field${guess === undefined ? '' : `; did you mean ${guess}?`}`;
}
