import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TRAINING = join(import.meta.dirname, '../../models/training');

/** A Python with `models/training/requirements.txt`. It is found if it was made as the README of that folder says. */
const INTERPRETER = process.env.TRAINING_PYTHON ?? join(TRAINING, '.venv/bin/python');

/** Environment of the scripts: the modules beside the recipes, one thread for each of their processes. */
const ENVIRONMENT = {
  PATH: process.env.PATH ?? '',
  PYTHONPATH: TRAINING,
  PYTHONDONTWRITEBYTECODE: '1',
  OMP_NUM_THREADS: '1',
};

/** Why the tests with this interpreter cannot run; undefined if they can. */
export function whyTrainingPythonIsMissing(): string | undefined {
  try {
    execFileSync(INTERPRETER, ['-c', 'import torch, cv2, av, safetensors'], {
      env: ENVIRONMENT,
      stdio: 'ignore',
    });
    return undefined;
  } catch {
    return `no Python with models/training/requirements.txt at ${INTERPRETER}; TRAINING_PYTHON names another`;
  }
}

/**
 * Runs Python beside the training recipes.
 * @param argv of the interpreter
 * @returns what it printed
 * @throws Error with its own words if it fails
 */
export async function runTrainingPython(argv: readonly string[]): Promise<string> {
  const { stdout } = await run(INTERPRETER, [...argv], {
    env: ENVIRONMENT,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
