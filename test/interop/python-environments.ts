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

export type Sdk = 'sdk-9' | 'sdk-10' | 'wallet-1';
const SDKS: readonly Sdk[] = ['sdk-9', 'sdk-10', 'wallet-1'];

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

async function make(sdk: Sdk): Promise<void> {
  const folder = folderOf(sdk);
  if (existsSync(join(folder, 'bin/python'))) return;
  // Finished under a name of its own and then renamed, so that one that broke off is never taken for a whole one.
  const draft = `${folder}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  await run('python3', ['-m', 'venv', draft]);
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    // The lists are whole: nothing that a registry offers later gets in.
    '--no-deps',
    '--requirement',
    requirementsOf(sdk),
  ];
  await run(join(draft, 'bin/python'), pip, { timeout: 240_000 });
  await rename(draft, folder);
}

/** Makes the environments that are missing; where Python or its registry is out of reach it says so. */
export async function setup(): Promise<void> {
  for (const sdk of SDKS) {
    try {
      await make(sdk);
    } catch (error) {
      const [reason = ''] = String(error instanceof Error ? error.message : error)
        .split('\n')
        .slice(-2);
      process.stdout.write(`interop: no Python environment for ${sdk}, its tests are skipped: ${reason}\n`);
    }
  }
}
