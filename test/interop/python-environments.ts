import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');
/** Kept between runs; a changed list of packages gets an environment of its own. */
const CACHE = join(ROOT, '.tools/interop');

export type Sdk = 'sdk-9' | 'sdk-10';
const SDKS: readonly Sdk[] = ['sdk-9', 'sdk-10'];

function requirementsOf(sdk: Sdk): string {
  return join(import.meta.dirname, `python/requirements-${sdk}.txt`);
}

function folderOf(sdk: Sdk): string {
  const digest = createHash('sha256')
    .update(readFileSync(requirementsOf(sdk)))
    .digest('hex');
  return join(CACHE, `${sdk}-${digest.slice(0, 12)}`);
}

/** The interpreter of an environment, or why there is none here: tests are then skipped by name. */
export function pythonOf(sdk: Sdk): { readonly path: string; readonly missing: boolean } {
  const path = join(folderOf(sdk), 'bin/python');
  return { path, missing: !existsSync(path) };
}

/** The packages are frozen for this Python; another one is tried where it is absent. */
const INTERPRETERS = ['python3.11', 'python3'] as const;
const INSTALL_TIME_LIMIT_MS = 240_000;

async function findInterpreter(): Promise<string> {
  for (const name of INTERPRETERS) {
    try {
      // Asked for more than its name: a version manager leaves names behind that run nothing.
      await run(name, ['--version']);
      return name;
    } catch {}
  }
  throw new Error(`none of ${INTERPRETERS.join(', ')} runs here`);
}

async function make(sdk: Sdk): Promise<void> {
  const folder = folderOf(sdk);
  if (!pythonOf(sdk).missing) return;
  // Finished under a name of its own and then renamed, so that one that broke off is never taken for a whole one.
  const draft = `${folder}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  await run(await findInterpreter(), ['-m', 'venv', draft]);
  await run(
    join(draft, 'bin/python'),
    [
      ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
      // A registry out of reach is found out in seconds, not in minutes.
      ...['--retries', '1', '--timeout', '15', '--requirement', requirementsOf(sdk)],
    ],
    { timeout: INSTALL_TIME_LIMIT_MS },
  );
  await rename(draft, folder);
}

/** Makes the environments that are missing; where Python or its registry is out of reach it says so. */
export async function setup(): Promise<void> {
  await Promise.all(
    SDKS.map((sdk) =>
      make(sdk).catch((error: unknown) => {
        process.stdout.write(
          `interop: no Python environment ${sdk}, its tests are skipped: ${lastWords(error)}\n`,
        );
      }),
    ),
  );
}

function lastWords(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const words = stderr.trim() === '' ? String(error) : stderr;
  return words.trim().split('\n').at(-1) ?? '';
}
