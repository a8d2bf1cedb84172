import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { MinerError } from '../../errors.ts';
import { weightsNotFound } from '../files/model-folder.ts';

/** What ONNX Runtime says of a file that it cannot load, and what it means to the operator. */
const EXPLANATIONS: readonly (readonly [RegExp, (found: readonly string[]) => string])[] = [
  [
    /Opset (\d+) is under development[\s\S]*domain (\S+) is till opset (\d+)/,
    ([, opset, domain, newest]) =>
      `is of opset ${opset} (${domain}), and the newest that can be run is ${newest}: export it with an opset of ${newest} or lower`,
  ],
  [
    /Unsupported model IR version: (\d+), max supported IR version: (\d+)/,
    ([, version, newest]) =>
      `has IR version ${version}, and the newest that can be read is ${newest}: save it with ir_version ${newest} or lower`,
  ],
  [
    /No Op registered for (\S+) with domain_version of (\d+)/,
    ([, operation, opset]) =>
      `uses the operation ${operation}, which opset ${opset} does not have: export it with standard operations, in an opset that has them`,
  ],
  [
    /Could not find an implementation for (\S+)\(\d+\) node/,
    ([, operation]) =>
      `uses the operation ${operation} with element types that are not supported here: export the model in float32`,
  ],
  [
    /External initializer: (\S+) [\s\S]*(?:out of bounds|read in full)/,
    ([, weight]) =>
      `keeps the weight ${weight} in a file that is cut short: copy the files beside the model again`,
  ],
  [
    /External data path escapes|Absolute path not allowed/,
    () => 'keeps weights outside its folder: export it again, with its weights beside or inside it',
  ],
  [/Protobuf parsing failed|does not have a graph|Missing opset/, () => DAMAGED],
];

const DAMAGED = 'is cut short, or is no ONNX file: copy it again and compare the sizes';
const LFS_POINTER = 'version https://git-lfs';
const WORDS_LIMIT_CHARS = 240;

/**
 * The error for a file that ONNX Runtime could not load: the cause, the remedy, and the words of ONNX Runtime.
 * @param error what the runtime threw
 */
export function loadFailure(onnxPath: string, error: unknown): MinerError {
  // Paths are shown relative to the model's folder.
  const raw = messageOf(error).replaceAll(`${dirname(onnxPath)}/`, '');
  const missing = /External data path does not exist: "(.*?)"/.exec(raw)?.[1];
  if (missing !== undefined) return weightsNotFound(missing);
  const said = `(ONNX Runtime: ${runtimeWords(raw)})`;
  for (const [pattern, explain] of EXPLANATIONS) {
    const found = pattern.exec(raw);
    if (found === null) continue;
    const explanation = explain(found);
    const reason = explanation === DAMAGED ? (explainDamage(onnxPath) ?? explanation) : explanation;
    return new MinerError('MODEL_UNREADABLE', `the ONNX file ${reason} ${said}`);
  }
  return new MinerError('MODEL_UNREADABLE', `the ONNX file cannot be loaded: export it again ${said}`);
}

/**
 * The words of ONNX Runtime without its source files, signatures and colours.
 * @param error what it threw, or said
 */
export function runtimeWords(error: unknown): string {
  const [words = ''] = messageOf(error).split('\u001B');
  return words
    .replace(/^Load model from .*? failed:/, '')
    .replace(/^\/\S+:\d+ .*?\) (?=[A-Z])/, '')
    .replace(/\b[\w/]+\.(?:cc|h):\d+ \w+ /g, '')
    .replace(/ resolved path: [\s\S]*$/, '')
    .trim()
    .slice(0, WORDS_LIMIT_CHARS);
}

function explainDamage(onnxPath: string): string | undefined {
  const start = readStart(onnxPath);
  if (start === '') return 'is empty: copy it again';
  return start.startsWith(LFS_POINTER)
    ? 'is a pointer of Git LFS and not the model: run git lfs pull where it came from'
    : undefined;
}

function readStart(path: string): string {
  const bytes = Buffer.alloc(LFS_POINTER.length);
  const file = openSync(path, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
