import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCheckout } from './checkout.ts';

/** A package whose build is a script of the test's, which is told where to put it: `--outDir FOLDER`. */
const BUILDS = JSON.stringify({ scripts: { build: 'sh build.sh' } });

describe('setup.sh', () => {
  let checkout: Awaited<ReturnType<typeof createCheckout>>;
  beforeEach(async () => {
    checkout = await createCheckout();
    await checkout.markSetUp();
  });
  afterEach(() => checkout.close());
  const content = (path: string) => readFile(join(checkout.root, path), 'utf8').catch(() => undefined);

  it('explains its options and exit codes', async () => {
    const { exitCode, stdout } = await checkout.run('setup.sh', ['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['--quiet', '--cuda', '--production', 'Exit codes']) expect(stdout).toContain(word);
  });

  it('refuses an unknown option', async () => {
    const { exitCode, stderr } = await checkout.run('setup.sh', ['--cud']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('unknown option --cud');
  });

  it('prints nothing with --quiet if there is nothing to do', async () => {
    expect(await checkout.run('setup.sh', ['--quiet'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  it('prints what it found without --quiet', async () => {
    const { exitCode, stdout } = await checkout.run('setup.sh');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('npm packages are up to date');
    expect(stdout).toContain('the build is up to date');
  });

  it('builds again if a source is newer than the build, once', async () => {
    await checkout.write('package.json', BUILDS);
    await checkout.write('build.sh', 'echo new >"$2/main.js"\n');
    await checkout.write('dist/gone.js', '');
    const inAMinute = new Date(Date.now() + 60_000);
    await utimes(join(checkout.root, 'src/main.ts'), inAMinute, inAMinute);

    expect((await checkout.run('setup.sh', ['--quiet'])).stdout).toContain('setup: building');

    expect(await content('dist/main.js')).toBe('new\n');
    // What has no source any more is not there any more.
    expect(await content('dist/gone.js')).toBeUndefined();

    const before = new Date(Date.now() - 60_000);
    await utimes(join(checkout.root, 'src/main.ts'), before, before);
    expect((await checkout.run('setup.sh', ['--quiet'])).stdout).toBe('');
  });

  it('leaves the old build and the old packages unchanged if the new ones fail', async () => {
    await checkout.write('package.json', BUILDS);
    await checkout.write(
      'build.sh',
      'echo half >"$([ -d "$2" ] && echo "$2" || echo dist)/main.js"; exit 1\n',
    );
    await checkout.write('dist/main.js', 'whole');
    await rm(join(checkout.root, 'dist/.sn34-built'));
    const built = await checkout.run('setup.sh', ['--quiet']);
    expect([built.exitCode, built.stderr]).toEqual([1, expect.stringContaining('the build failed')]);
    expect(await content('dist/main.js')).toBe('whole');

    await checkout.write('package-lock.json', '{"changed":true}');
    await checkout.write('node_modules/whole', 'whole');
    // As npm ci does: it removes what is there first.
    await checkout.write('programs/npm', '#!/bin/sh\nrm -rf node_modules\nexit 1\n', 0o755);
    const PATH = `${join(checkout.root, 'programs')}:${process.env.PATH}`;
    const installed = await checkout.run('setup.sh', ['--quiet'], { ...process.env, PATH });
    expect([installed.exitCode, installed.stderr]).toEqual([1, expect.stringContaining('npm ci failed')]);
    expect(await content('node_modules/whole')).toBe('whole');
    expect((await readdir(checkout.root)).filter((name) => /\.(new|old)$/.test(name))).toEqual([]);
  });

  it('puts new packages in the place of the old ones', async () => {
    await checkout.write('package.json', '{}');
    await checkout.write('package-lock.json', '{"changed":true}');
    await checkout.write(
      'programs/npm',
      '#!/bin/sh\nmkdir node_modules\ncp package-lock.json node_modules/\n',
      0o755,
    );
    await checkout.write('dist/.sn34-built', '');
    const inAMinute = new Date(Date.now() + 60_000);
    await utimes(join(checkout.root, 'dist/.sn34-built'), inAMinute, inAMinute);
    const PATH = `${join(checkout.root, 'programs')}:${process.env.PATH}`;
    await checkout.run('setup.sh', ['--quiet'], { ...process.env, PATH });
    expect(await content('node_modules/package-lock.json')).toBe('{"changed":true}');
    expect(await content('node_modules/.sn34-lock-sha')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('puts back the old build if a set-up ended between the two renames', async () => {
    await rename(join(checkout.root, 'dist'), join(checkout.root, 'dist.old'));
    expect(await checkout.run('setup.sh', ['--quiet'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await content('dist/main.js')).toBe('');
  });

  it('fails if the build fails, and does not count it as built', async () => {
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

    it.each(['v18.20.4', 'v20.18.9'])('names the Node.js that it needs if it finds %s', async (version) => {
      const PATH = await checkout.programs(...BASICS, 'npm');
      await checkout.write('programs/node', `#!/bin/sh\necho ${version}\n`, 0o755);
      const { exitCode, stderr } = await checkout.run('setup.sh', ['--quiet'], { PATH });
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`Node.js ${version} is too old: the miner needs 20.19 or later`);
    });

    it('says how to install ffmpeg if it cannot install it', async () => {
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
