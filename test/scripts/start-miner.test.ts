import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCheckout } from './checkout.ts';

/** Stands for the miner: prints its arguments and its INSTANCE, and is a process that a signal ends with exit code 7. */
const MINER = `
const args = process.argv.slice(2);
process.on('SIGTERM', () => process.exit(7));
console.log(JSON.stringify({ args, instance: process.env.INSTANCE, node: process.execPath }));
if (args.includes('--stay')) setInterval(() => {}, 1000);
`;

/** Stands for the set-up: leaves a mark. */
const SETUP = '#!/bin/sh\necho "$@" >"$(dirname "$0")/setup-ran"\n';

describe('start_miner.sh', () => {
  let checkout: Awaited<ReturnType<typeof createCheckout>>;
  beforeEach(async () => {
    checkout = await createCheckout();
    await checkout.write('package.json', '{"type":"module"}');
    await checkout.write('dist/main.js', MINER);
    await checkout.write('setup.sh', SETUP, 0o755);
    await checkout.write('.tools/bin/pm2', '', 0o755);
  });
  afterEach(() => checkout.close());

  /** What the miner was called with. */
  async function call(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const { exitCode, stdout, stderr } = await checkout.run('start_miner.sh', args, env);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return JSON.parse(stdout) as { args: string[]; instance?: string; node: string };
  }
  const setUpWith = () => readFile(join(checkout.root, 'setup-ran'), 'utf8').catch(() => undefined);
  const pm2 = () => join(checkout.root, '.tools/bin/pm2');

  it.each([[[]], [['--foreground']], [['--axon.port', '8092']]])(
    'ends with 10 and says what to do with %j and without .env.miner',
    async (args) => {
      const { exitCode, stdout, stderr } = await checkout.run('start_miner.sh', args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 10, stdout: '' });
      expect(stderr).toContain('cp .env.miner.template .env.miner\n');
      expect(stderr).toContain('MINER_TYPE');
      expect(stderr).toContain('./start_miner.sh --dev');
      expect(await setUpWith()).toBeUndefined();
    },
  );

  it('--help explains the ways to start', async () => {
    const { exitCode, stdout } = await checkout.run('start_miner.sh', ['--help']);
    expect(exitCode).toBe(0);
    for (const word of ['--foreground', '--dev', '--instance', 'status', 'stop', 'logs']) {
      expect(stdout).toContain(word);
    }
  });

  it('--dev needs no .env.miner, and passes other flags on unchanged', async () => {
    const { args } = await call(['--axon.port', '8092', '--dev', 'a b', '$HOME']);
    expect(args).toEqual(['start', '--dev', '--axon.port', '8092', 'a b', '$HOME']);
    expect(await setUpWith()).toBe('--quiet\n');
  });

  it('--foreground becomes the miner, so that signals reach it, and runs no set-up', async () => {
    await checkout.write('.env.miner', '');
    const child = spawn(join(checkout.root, 'start_miner.sh'), ['--foreground', '--stay'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    expect(JSON.parse(String(line)).args).toEqual(['start', '--settings', '.env.miner', '--stay']);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
    expect(await setUpWith()).toBeUndefined();
  });

  it('never runs the content of .env.miner', async () => {
    const mark = join(checkout.root, 'pwned');
    await checkout.write('.env.miner', `MINER_TYPE=$(touch ${mark})\n\`touch ${mark}\`\ntouch ${mark}\n`);
    for (const args of [[], ['--foreground']]) {
      expect((await checkout.run('start_miner.sh', args)).exitCode).toBe(0);
    }
    await expect(access(mark)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('sets up for production and gives the miner to pm2, with unchanged flags', async () => {
    await checkout.write('.env.miner', '');
    expect(await call(['--wallet.name', 'a "b" c'])).toMatchObject({
      args: ['pm2', 'start', '--pm2', pm2(), '--settings', '.env.miner', '--wallet.name', 'a "b" c'],
      instance: '',
    });
    expect(await setUpWith()).toBe('--quiet --production\n');
  });

  it.each(['status', 'stop', 'logs'])('%s needs neither settings nor set-up', async (command) => {
    expect(await call([command, '--lines', '5'])).toMatchObject({
      args: ['pm2', command, '--pm2', pm2(), '--lines', '5'],
      instance: '',
    });
    expect(await setUpWith()).toBeUndefined();
  });

  it('takes a command word after a flag for the value of the flag', async () => {
    await checkout.write('.env.miner', '');
    const { args } = await call(['--wallet.name', 'stop']);
    expect(args.slice(0, 2)).toEqual(['pm2', 'start']);
    expect(args.slice(-2)).toEqual(['--wallet.name', 'stop']);
  });

  describe('for an instance', () => {
    it.each([
      ['a flag', ['--instance', 'two_B-2'], undefined],
      ['a flag and a value in one', ['--instance=two_B-2'], undefined],
      ['the environment', [], 'two_B-2'],
      ['a flag that outranks the environment', ['--instance', 'two_B-2'], 'three'],
    ])('named by %s reads its own settings', async (_how, flags, INSTANCE) => {
      await checkout.write('.env.miner.two_B-2', '');
      const env = { ...process.env, INSTANCE };
      expect(await call([...flags, '--foreground', '--netuid', '1'], env)).toMatchObject({
        args: ['start', '--settings', '.env.miner.two_B-2', '--netuid', '1'],
        instance: 'two_B-2',
      });
      expect((await call(flags, env)).args).toEqual([
        'pm2',
        'start',
        '--pm2',
        pm2(),
        '--settings',
        '.env.miner.two_B-2',
      ]);
      expect(await call([...flags, 'status'], env)).toMatchObject({
        args: ['pm2', 'status', '--pm2', pm2()],
        instance: 'two_B-2',
      });
    });

    it('names the missing settings file, even if another instance has one', async () => {
      await checkout.write('.env.miner', '');
      const { exitCode, stderr } = await checkout.run('start_miner.sh', ['--instance', 'two']);
      expect(exitCode).toBe(10);
      expect(stderr).toContain('cp .env.miner.template .env.miner.two\n');
      expect(stderr).toContain('./start_miner.sh --instance two\n');
    });

    it.each(['../two', 'two three', 'zwölf', 'a'.repeat(33), '*', 'two\n', 'template', '$(id)'])(
      'refuses the name %j in every mode',
      async (name) => {
        await checkout.write('.env.miner', '');
        await checkout.write('.env.miner.template', '');
        for (const mode of [[], ['--foreground'], ['status'], ['stop'], ['logs']]) {
          const { exitCode, stdout, stderr } = await checkout.run('start_miner.sh', [
            '--instance',
            name,
            ...mode,
          ]);
          expect({ exitCode, stdout }).toEqual({ exitCode: 10, stdout: '' });
          expect(stderr).toContain(`INSTANCE is "${name}"`);
        }
        expect(await setUpWith()).toBeUndefined();
      },
    );

    it.each([
      [['--instance']],
      [['--instance', '']],
      [['--instance=']],
      [['stop', '--instance', '']],
      [['--instance', '', 'stop']],
      [['--instance=', 'status']],
    ])('says that the name is missing in %j, and does not take the instance without a name', async (args) => {
      await checkout.write('.env.miner', '');
      const env = { ...process.env, INSTANCE: 'two' };
      const { exitCode, stdout, stderr } = await checkout.run('start_miner.sh', args, env);
      expect([exitCode, stdout, stderr]).toEqual([10, '', '--instance needs a name.\n']);
    });
  });

  describe('if PATH has no Node.js that is new enough', () => {
    const BASICS = ['bash', 'env', 'dirname', 'sort'];
    let PATH: string;
    beforeEach(async () => {
      await checkout.write('.env.miner', '');
      PATH = await checkout.programs(...BASICS);
      // The folders of this machine, which may hold one.
      const file = join(checkout.root, 'deploy/find-node.sh');
      const text = await readFile(file, 'utf8');
      expect(text).toContain('/usr/local/bin /usr/bin');
      await writeFile(file, text.replace('/usr/local/bin /usr/bin', `${checkout.root}/system`));
    });
    const foreground = (home = checkout.root) =>
      checkout.run('start_miner.sh', ['--foreground'], { PATH, HOME: home });
    /** A Node.js of a version, which is only said. */
    async function install(folder: string, version: string): Promise<void> {
      const path = `${folder}/node`;
      await checkout.write(
        path,
        `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo "${version} runs $*"\n`,
      );
      await chmod(join(checkout.root, path), 0o755);
    }

    it('takes the newest Node.js of nvm', async () => {
      await install('.nvm/versions/node/v20.19.0/bin', 'v20.19.0');
      await install('.nvm/versions/node/v22.9.1/bin', 'v22.9.1');
      await install('.nvm/versions/node/v9.11.2/bin', 'v9.11.2');
      await install('system', 'v24.0.0');
      await install('programs', 'v18.20.4');
      const { exitCode, stdout } = await foreground();
      expect([exitCode, stdout]).toEqual([0, 'v22.9.1 runs dist/main.js start --settings .env.miner\n']);
    });

    it('takes the Node.js of the system if nvm has none, and puts it first in PATH', async () => {
      await checkout.write('system/.keep', '');
      await symlink(process.execPath, join(checkout.root, 'system/node'));
      const { exitCode, stdout } = await foreground('/nonexistent');
      expect([exitCode, JSON.parse(stdout).args]).toEqual([0, ['start', '--settings', '.env.miner']]);
    });

    it('says that there is no Node.js, with an exit code after which pm2 tries again', async () => {
      await install('programs', 'v20.18.9');
      const { exitCode, stderr } = await foreground();
      expect(exitCode).toBe(1);
      expect(stderr).toContain('There is no Node.js 20.19 or later');
      expect(stderr).toContain('./setup.sh');
    });
  });

  it('says that there is no build', async () => {
    await checkout.write('.env.miner', '');
    await rm(join(checkout.root, 'dist'), { recursive: true });
    const { exitCode, stderr } = await checkout.run('start_miner.sh', ['--foreground']);
    expect([exitCode, stderr]).toEqual([1, 'There is no build. Run ./setup.sh first.\n']);
  });
});
