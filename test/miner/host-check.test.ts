import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createHostCheck } from '../../src/miner/host-check.ts';
import { canMount } from '../fixtures/can-mount.ts';
import { OTHER_UID, otherUserCanRead } from '../fixtures/other-user.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

/** The check of the built program in a process of its own, which `prefix` starts with other limits or as another user. */
async function lookIn(
  prefix: readonly string[],
  stateDir: string,
  maxConnections: number,
): Promise<string[]> {
  // A copy, since another user may not be let into the checkout.
  const module = join(temporaryFolderPath(), 'host-check.mjs');
  copyFileSync(join(import.meta.dirname, '../../dist/miner/host-check.js'), module);
  chmodSync(dirname(module), 0o755);
  const script =
    `const { createHostCheck } = await import(${JSON.stringify(module)});` +
    `const check = createHostCheck(${JSON.stringify({ stateDir, maxConnections, temporaryFolder: stateDir })});` +
    'await check.look(); console.log(JSON.stringify(check.warnings));';
  const [program = '', ...args] = [...prefix, process.execPath, '--input-type=module', '--eval', script];
  const { stdout } = await run(program, args, { cwd: '/' });
  return JSON.parse(stdout);
}

describe('the host of a miner', () => {
  it('a host with enough room and rights gets no warning', async () => {
    const check = createHostCheck({ stateDir: temporaryFolderPath(), maxConnections: 1 });
    await check.look();
    expect(check.warnings).toEqual([]);
  });

  it('a missing STATE_DIR gives a warning', async () => {
    const stateDir = join(temporaryFolderPath(), 'gone');
    const check = createHostCheck({ stateDir, maxConnections: 1 });
    await check.look();
    expect(check.warnings).toEqual([expect.stringContaining(`${stateDir} cannot be written (ENOENT)`)]);
  });

  it.skipIf(!otherUserCanRead(process.execPath))(
    'a folder in STATE_DIR that another user owns gives a warning with its name (needs root and setpriv)',
    async () => {
      const stateDir = temporaryFolderPath();
      const folder = join(stateDir, 'served-requests');
      mkdirSync(folder, { mode: 0o755 });
      chmodSync(stateDir, 0o755);
      const nobody = ['setpriv', `--reuid=${OTHER_UID}`, `--regid=${OTHER_UID}`, '--clear-groups'];
      chownSync(stateDir, OTHER_UID, OTHER_UID);
      expect(await lookIn(nobody, stateDir, 1)).toEqual([
        expect.stringContaining(
          `${folder} cannot be written (EACCES): a restart will forget what was served`,
        ),
      ]);
      chownSync(folder, OTHER_UID, OTHER_UID);
      expect(await lookIn(nobody, stateDir, 1)).toEqual([]);
    },
  );

  it('a limit of open files below the number of connections gives a warning that says how to raise it', async () => {
    const stateDir = temporaryFolderPath();
    const limited = ['prlimit', '--nofile=1024:1024'];
    expect(await lookIn(limited, stateDir, 4_096)).toEqual([
      expect.stringMatching(/^this process may open 1024 files, .* up to 4352; .*LimitNOFILE=65536/),
    ]);
    expect(await lookIn(limited, stateDir, 512)).toEqual([]);
  });

  it.skipIf(!isRoot || !canMount())('a nearly full disk gives a warning (needs to mount)', async () => {
    const stateDir = temporaryFolderPath();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', stateDir]);
    onTestFinished(() => {
      execFileSync('umount', [stateDir]);
    });
    const check = createHostCheck({ stateDir, maxConnections: 1 });
    await check.look();
    expect(check.warnings).toEqual([`STATE_DIR (${stateDir}) has 16 MiB free; free at least 512 MiB`]);
  });
});
