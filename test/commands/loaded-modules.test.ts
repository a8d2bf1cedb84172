import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { describe, expect, it } from 'vitest';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { runCommand, writeOfflineMiner } from './run-command.ts';

const HEAVY = /\/node_modules\/(?:@polkadot|onnxruntime-node|sharp|fastify|pino)\//;
const DEVNET = /\/dist\/devnet\//;

/**
 * Runs the program until it ends, or until it writes some words and is ended then.
 * @returns the addresses of all modules that the process loaded, as its coverage report names them
 */
async function modulesOf(argv: readonly string[], endAfter?: string): Promise<string[]> {
  const folder = temporaryFolderPath();
  const child = await runCommand(argv, { NODE_V8_COVERAGE: folder });
  if (endAfter !== undefined) {
    await until(() => child.output().includes(endAfter));
    child.child.kill('SIGTERM');
  }
  await child.ended;
  // One report for each thread.
  const reports = readdirSync(folder).filter((name) => name.startsWith(`coverage-${child.child.pid}-`));
  return reports.flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      result: Array<{ readonly url: string }>;
    };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  });
}

describe('a command loads only what it needs', () => {
  it.each([
    [['help']],
    [['--version']],
    [['start', '--help']],
    [['strat']],
    [['config', '--dev']],
    [['status', '--dev']],
    [['pm2', 'status', '--pm2', 'none']],
  ])(
    '%j loads no part of the chain, of models, of servers and of logs, and no development chain',
    async (argv) => {
      const modules = await modulesOf(argv);
      expect(modules.some((url) => url.endsWith('/dist/main.js'))).toBe(true);
      expect(modules.filter((url) => HEAVY.test(url) || DEVNET.test(url))).toEqual([]);
    },
  );

  it('`start --dev` and `devnet` load the development chain, and other miners do not', async () => {
    expect((await modulesOf(['start', '--dev'], 'READY ')).some((url) => DEVNET.test(url))).toBe(true);
    expect((await modulesOf(['devnet'], 'READY ')).some((url) => DEVNET.test(url))).toBe(true);

    await cryptoWaitReady();
    const modules = await modulesOf(['start', ...writeOfflineMiner().argv], '"msg":"listening"');
    expect(modules.some((url) => HEAVY.test(url))).toBe(true);
    expect(modules.filter((url) => DEVNET.test(url))).toEqual([]);
  }, 60_000);
});
