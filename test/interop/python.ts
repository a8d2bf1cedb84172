import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonOf, type Sdk } from './python-environments.ts';

const run = promisify(execFile);

/**
 * Runs a script of `test/interop/python/` and reads the JSON that it prints last.
 * @throws Error with the script's own words if it fails
 */
export async function runPython<Result>(
  sdk: Sdk,
  script: string,
  input: Readonly<Record<string, unknown>>,
  timeoutMs = 300_000,
): Promise<Result> {
  const path = join(import.meta.dirname, 'python', script);
  const { stdout } = await run(pythonOf(sdk).path, [path, JSON.stringify(input)], {
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
    // The SDK reads its settings from the environment and the home folder; it gets neither of the user's.
    env: {
      PATH: process.env.PATH ?? '',
      HOME: String(input.home ?? '/nonexistent'),
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Result;
}
