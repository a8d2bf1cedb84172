import { existsSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MinerError } from '../../errors.ts';
import { wrongJson } from '../contract/refusals.ts';
import { isPartOfModel, outside } from './model-folder.ts';

/**
 * The path of the `.onnx` file that a model path stands for.
 * @param modelPath that file, or a folder with `model.onnx`
 * @throws MinerError MODEL_NOT_FOUND; MODEL_UNREADABLE or MODEL_JSON_INVALID if a file is a folder, a pipe or the like;
 *   MODEL_UNREADABLE if a link leads out of the folder
 */
export function locateModel(modelPath: string): string {
  const onnxPath = locateOnnx(modelPath);
  const jsonPath = join(dirname(onnxPath), 'model.json');
  const json = statSync(jsonPath, { throwIfNoEntry: false });
  if (json?.isFile() === false) throw wrongJson(`${jsonPath} is ${kindOf(json)}, and must be a file`);
  const onnx = statSync(onnxPath, { throwIfNoEntry: false });
  if (onnx?.isFile() === false) {
    throw new MinerError('MODEL_UNREADABLE', `${onnxPath} is ${kindOf(onnx)}, and must be the ONNX file`);
  }
  const folder = dirname(onnxPath);
  const found = [...(onnx === undefined ? [] : [onnxPath]), ...(json === undefined ? [] : [jsonPath])];
  for (const path of found) {
    if (!isPartOfModel(realpathSync(folder), realpathSync(path))) throw outside(folder, basename(path));
  }
  return onnxPath;
}

function locateOnnx(modelPath: string): string {
  if (!existsSync(modelPath)) throw new MinerError('MODEL_NOT_FOUND', `there is no ${modelPath}`);
  if (!statSync(modelPath).isDirectory()) return modelPath;
  const onnxPath = join(modelPath, 'model.onnx');
  if (existsSync(onnxPath)) return onnxPath;
  const others = readdirSync(modelPath).filter((name) => name.endsWith('.onnx'));
  const hint =
    others.length === 0
      ? ''
      : `; the folder has ${others.join(', ')}: rename it, or give the path of the file itself`;
  throw new MinerError('MODEL_NOT_FOUND', `there is no ${onnxPath}${hint}`);
}

function kindOf(stats: Stats): string {
  return stats.isDirectory() ? 'a folder' : 'no regular file';
}
