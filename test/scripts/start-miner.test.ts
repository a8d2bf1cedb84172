import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCheckout } from './checkout.ts';

/** Stands for the miner: prints its arguments, and is a process that a signal ends with exit code 7. */
const MINER = `
const args = process.argv.slice(2);
if (args[0] === 'config') {
  if (args.includes('--bad')) process.exit(10);
  console.log('Detector');
} else {
  process.on('SIGTERM', () => process.exit(7));
  console.log(JSON.stringify(args));
  if (args.includes('--stay')) setInterval(() => {}, 1000);
}
`;

/** Stands for pm2: prints what it would start. */
const PM2 = `#!${process.execPath}
const [command, file] = process.argv.slice(2);
if (command === 'start') console.log(JSON.stringify(require(require('node:path').resolve(file)).apps));
`;

describe('start_miner.sh', () => {
  let checkout: Awaited<ReturnType<typeof createCheckout>>;
  beforeEach(async () => {
    checkout = await createCheckout();
    await checkout.write('package.json', '{"type":"module"}');
    await checkout.write('dist/main.js', MINER);
    await checkout.write('setup.sh', '#!/bin/sh\nexit 0\n', 0o755);
    await checkout.write('.tools/package.json', '{"type":"commonjs"}');
    await checkout.write('.tools/bin/pm2', PM2, 0o755);
  });
  afterEach(() => checkout.close());

  it.each([[[]], [['--foreground']], [['--axon.port', '8092']]])(
    'with %j and without .env.miner exits 10 and says what to do',
    async (args) => {
      const { exitCode, stdout, stderr } = await checkout.run('start_miner.sh', args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 10, stdout: '' });
      expect(stderr).toContain('cp .env.miner.template .env.miner');
      expect(stderr).toContain('MINER_TYPE');
      expect(stderr).toContain('./start_miner.sh --dev');
    },
  );

  it('--help explains the ways to start', async () => {
    const { exitCode, stdout } = await checkout.run('start_miner.sh', ['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('--foreground');
    expect(stdout).toContain('--dev');
  });

  it('--dev needs no .env.miner and passes other flags on as they are', async () => {
    const { exitCode, stdout } = await checkout.run('start_miner.sh', [
      '--axon.port',
      '8092',
      '--dev',
      'a b',
      '$HOME',
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual(['start', '--dev', '--axon.port', '8092', 'a b', '$HOME']);
  });

  it('--foreground becomes the miner, so that signals reach it', async () => {
    await checkout.write('.env.miner', '');
    const child = spawn(join(checkout.root, 'start_miner.sh'), ['--foreground', '--stay'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    expect(JSON.parse(String(line))).toEqual(['start', '--settings', '.env.miner', '--stay']);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  it('never runs what is written in .env.miner', async () => {
    const mark = join(checkout.root, 'pwned');
    await checkout.write('.env.miner', `MINER_TYPE=$(touch ${mark})\n\`touch ${mark}\`\ntouch ${mark}\n`);
    for (const args of [[], ['--foreground']]) {
      expect((await checkout.run('start_miner.sh', args)).exitCode).toBe(0);
    }
    await expect(access(mark)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives pm2 the miner under the name of its type, with the flags and the exit codes that end it', async () => {
    await checkout.write('.env.miner', '');
    const { exitCode, stdout } = await checkout.run('start_miner.sh', ['--wallet.name', 'a "b" c']);
    expect(exitCode).toBe(0);
    const [app] = JSON.parse(stdout.split('\n')[0] ?? '');
    expect(app).toMatchObject({
      name: 'sn34-detector',
      cwd: checkout.root,
      script: process.execPath,
      interpreter: 'none',
      args: ['dist/main.js', 'start', '--settings', '.env.miner', '--wallet.name', 'a "b" c'],
      kill_timeout: 20_000,
      treekill: false,
      stop_exit_codes: [10, 11, 12, 13, 14, 15],
    });
    expect(stdout).toContain('pm2 logs sn34-detector');
  });

  it('starts nothing when the settings are wrong', async () => {
    await checkout.write('.env.miner', '');
    const { exitCode, stdout } = await checkout.run('start_miner.sh', ['--bad']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 10, stdout: '' });
  });
});
