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

const SDKS = ['sdk-9', 'sdk-10', 'sdk-11', 'btcli-9', 'wallet-1'] as const;
export type Sdk = (typeof SDKS)[number];

function requirementsOf(sdk: Sdk): string {
  return join(import.meta.dirname, `python/requirements-${sdk}.txt`);
}

function folderOf(sdk: Sdk): string {
  const digest = createHash('sha256')
    .update(readFileSync(requirementsOf(sdk)))
    .digest('hex');
  return join(CACHE, `${sdk}-${digest.slice(0, 12)}`);
}

/** The interpreter of an environment. If it is missing, tests are skipped by name. */
export function pythonOf(sdk: Sdk): { readonly path: string; readonly missing: boolean } {
  const path = join(folderOf(sdk), 'bin/python');
  return { path, missing: !existsSync(path) };
}

/** The packages are frozen for this Python. If it is missing, another one is tried. */
const INTERPRETERS = ['python3.11', 'python3'] as const;
const INSTALL_TIME_LIMIT_MS = 240_000;

/** What the environments are made of is not to be had here: nothing that a change to this repository could mend. */
class OutOfReach extends Error {}

/** The words of pip if the registry does not answer, or does not know a package. */
const REGISTRY_AWAY = /from versions: none|connection (broken|aborted|error)|timed out/i;

async function findInterpreter(): Promise<string> {
  for (const name of INTERPRETERS) {
    try {
      // Asked for more than its name: a version manager leaves names behind that run nothing.
      await run(name, ['--version']);
      return name;
    } catch {}
  }
  throw new OutOfReach(`none of ${INTERPRETERS.join(', ')} runs here`);
}

async function make(sdk: Sdk): Promise<void> {
  const folder = folderOf(sdk);
  if (!pythonOf(sdk).missing) return;
  // Finished under a name of its own and then renamed, so that one that broke off is never taken for a whole one.
  const draft = `${folder}.draft`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  await run(await findInterpreter(), ['-m', 'venv', draft]);
  await install(draft, requirementsOf(sdk));
  await rename(draft, folder);
}

/** @throws OutOfReach if the registry does not answer; another error if the packages cannot be installed */
async function install(environment: string, requirements: string): Promise<void> {
  // The lists are whole: nothing that a registry offers later gets in.
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--requirement', requirements];
  // A registry out of reach is found out in seconds, not in minutes.
  const patience = ['--retries', '1', '--timeout', '15'];
  try {
    await run(join(environment, 'bin/python'), ['-m', 'pip', 'install', ...options, ...patience], {
      timeout: INSTALL_TIME_LIMIT_MS,
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('killed' in error && error.killed) {
      throw new OutOfReach(`not installed after ${INSTALL_TIME_LIMIT_MS / 1000} s`, { cause: error });
    }
    const words = 'stderr' in error ? String(error.stderr).trim() : '';
    if (!REGISTRY_AWAY.test(words)) throw error;
    throw new OutOfReach(`the registry is out of reach: ${words.split('\n').at(-1)}`, { cause: error });
  }
}

/**
 * Makes the environments that are missing. Where Python or its registry is out of reach it says so, and the tests that
 * need them are skipped by name; packages that are no longer as they were pinned are a failure.
 */
export async function setup(): Promise<void> {
  await Promise.all(
    SDKS.map((sdk) =>
      make(sdk).catch((error: unknown) => {
        if (!(error instanceof OutOfReach)) throw error;
        process.stdout.write(
          `interop: no Python environment ${sdk}, its tests are skipped: ${error.message}\n`,
        );
      }),
    ),
  );
}
