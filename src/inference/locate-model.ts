import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MinerError } from '../errors.ts';

/**
 * The ONNX file that a model path stands for.
 * @throws MinerError MODEL_NOT_FOUND, MODEL_UNREADABLE
 */
export function locateModel(modelPath: string): string {
  if (!existsSync(modelPath)) throw new MinerError('MODEL_NOT_FOUND', `there is no ${modelPath}`);
  if (!statSync(modelPath).isDirectory()) return modelPath;
  const onnxPath = join(modelPath, 'model.onnx');
  if (existsSync(onnxPath)) {
    if (statSync(onnxPath).isFile()) return onnxPath;
    throw new MinerError('MODEL_UNREADABLE', `${onnxPath} is a folder, where the ONNX file has to be`);
  }
  const others = readdirSync(modelPath).filter((name) => name.endsWith('.onnx'));
  const hint =
    others.length === 0 ? '' : `; the folder has ${others.join(', ')}: rename it, or name the file itself`;
  throw new MinerError('MODEL_NOT_FOUND', `there is no ${onnxPath}${hint}`);
}
