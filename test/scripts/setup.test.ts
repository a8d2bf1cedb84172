import { rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCheckout } from './checkout.ts';

describe('setup.sh', () => {
  let checkout: Awaited<ReturnType<typeof createCheckout>>;
  beforeEach(async () => {
    checkout = await createCheckout();
    await checkout.markSetUp();
  });
  afterEach(() => checkout.close());

  it('explains its options and exit codes', async () => {
    const { exitCode, stdout } = await checkout.run('setup.sh', ['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['--quiet', '--cuda', '--production', 'Exit codes']) expect(stdout).toContain(word);
  });

  it('refuses an option it does not know', async () => {
    const { exitCode, stderr } = await checkout.run('setup.sh', ['--cud']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('unknown option --cud');
  });

  it('says nothing when quiet and there is nothing to do', async () => {
    expect(await checkout.run('setup.sh', ['--quiet'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('says what it found otherwise', async () => {
    const { exitCode, stdout } = await checkout.run('setup.sh');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('npm packages are up to date');
    expect(stdout).toContain('the build is up to date');
  });

  it('builds again when a source is newer than the build, and once only', async () => {
    await checkout.write('package.json', JSON.stringify({ scripts: { build: 'echo built' } }));
    const inAMinute = new Date(Date.now() + 60_000);
    await utimes(join(checkout.root, 'src/main.ts'), inAMinute, inAMinute);

    expect((await checkout.run('setup.sh', ['--quiet'])).stdout).toContain('setup: building');

    const before = new Date(Date.now() - 60_000);
    await utimes(join(checkout.root, 'src/main.ts'), before, before);
    expect((await checkout.run('setup.sh', ['--quiet'])).stdout).toBe('');
  });

  it('fails and leaves no mark of a build that failed', async () => {
    await checkout.write('package.json', JSON.stringify({ scripts: { build: 'echo TS2322; exit 1' } }));
    await rm(join(checkout.root, 'dist'), { recursive: true });

    const { exitCode, stdout, stderr } = await checkout.run('setup.sh', ['--quiet']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('TS2322');
    expect(stderr).toContain('the build failed');
    await expect(stat(join(checkout.root, 'dist/.sn34-built'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  describe('with few programs in PATH', () => {
    const BASICS = ['bash', 'env', 'dirname', 'mktemp', 'rm', 'flock', 'tail'];

    it.each(['v18.20.4', 'v20.18.9'])('names the Node.js it needs where there is %s', async (version) => {
      const PATH = await checkout.programs(...BASICS, 'npm');
      await checkout.write('programs/node', `#!/bin/sh\necho ${version}\n`, 0o755);
      const { exitCode, stderr } = await checkout.run('setup.sh', ['--quiet'], { PATH });
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`Node.js ${version} is too old: the miner needs 20.19 or later`);
    });

    it('says how to install ffmpeg where it cannot', async () => {
      const PATH = await checkout.programs(...BASICS, 'node', 'npm');
      for (const program of ['apt-get', 'sudo']) {
        await checkout.write(`programs/${program}`, '#!/bin/sh\nexit 1\n', 0o755);
      }
      const { exitCode, stderr } = await checkout.run('setup.sh', ['--quiet'], { PATH });
      expect(exitCode).toBe(1);
      expect(stderr).toContain('apt-get update && apt-get install -y ffmpeg');
    });
  });
});
