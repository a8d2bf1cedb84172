import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary folder with the scripts of the repository and whatever else a test puts beside them. */
export async function createCheckout() {
  const root = await mkdtemp(join(tmpdir(), 'sn34-checkout-'));
  const write = async (path: string, content: string, mode = 0o644): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    await chmod(join(root, path), mode);
  };
  await mkdir(join(root, 'deploy'));
  for (const path of ['setup.sh', 'start_miner.sh', 'deploy/ecosystem.config.cjs', 'deploy/find-node.sh']) {
    await copyFile(join(REPOSITORY, path), join(root, path));
  }
  return {
    root,
    write,
    /** Makes the checkout one in which everything was already set up. */
    async markSetUp(): Promise<void> {
      const lock = '{}\n';
      await write('package-lock.json', lock);
      await write('node_modules/.sn34-lock-sha', createHash('sha256').update(lock).digest('hex'));
      await write('node_modules/.sn34-cuda', 'failed\n');
      await write('tsconfig.json', '{}');
      await write('tsconfig.build.json', '{}');
      await write('src/main.ts', '');
      await write('dist/main.js', '');
      await write('dist/.sn34-built', '');
    },
    /** A folder for PATH that holds only these programs of the system. */
    async programs(...names: string[]): Promise<string> {
      const folder = join(root, 'programs');
      await mkdir(folder, { recursive: true });
      for (const name of names) {
        const { stdout } = await run('/bin/sh', ['-c', `command -v ${name}`], { cwd: root });
        await symlink(stdout.trim(), join(folder, name));
      }
      return folder;
    },
    /** Runs a script of the checkout from another folder. */
    run: (script: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = process.env) =>
      run(join(root, script), args, { cwd: tmpdir(), env }),
    close: () => rm(root, { recursive: true }),
  };
}

function run(
  file: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      if (child.exitCode === null) reject(error);
      else resolve({ exitCode: child.exitCode, stdout, stderr });
    });
    child.stdin?.end();
  });
}
