import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startDevnet } from '../fixtures/miner.ts';
import { spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { call } from '../fixtures/validator.ts';

vi.setConfig({ testTimeout: 90_000 });

const KEY = 'MARKEDKEY';

/** Processes whose parent is `pid`. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
}

/** All that is in the files of a folder. */
function contentsOf(folder: string): string {
  return readdirSync(folder, { encoding: 'utf8', recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

it('a key in CHAIN_ENDPOINT is in nothing that a miner says or writes, and no crash writes its memory to disk', async () => {
  const devnet = await startDevnet();
  const host = devnet.url.replace('ws://', '');
  // The first cannot be used, the second can be once the chain is asked with its key.
  const endpoints = [`ws://127.0.0.1:1/v3/${KEY}#${KEY}`, `ws://user:${KEY}@${host}/v3/${KEY}?apikey=${KEY}`];
  const stateDir = temporaryFolderPath();
  const env = { CHAIN_ENDPOINT: endpoints.join(','), LOGLEVEL: 'trace', STATE_DIR: stateDir };
  const miner = await spawnMiner(['start', '--dev'], env);
  onTestFinished(miner.close);
  const ready = await miner.ready();
  expect(ready).toContain(`chain=ws://127.0.0.1:1,ws://${host}`);

  const pid = miner.child.pid ?? 0;
  const children = childrenOf(pid);
  expect(children.length).toBeGreaterThan(0);
  for (const one of [pid, ...children]) {
    expect(readFileSync(`/proc/${one}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
    expect(readFileSync(`/proc/${one}/cmdline`, 'utf8')).not.toContain(KEY);
  }
  const pages = async (): Promise<string> => {
    const answers = await Promise.all(['/status', '/readyz'].map((path) => call(miner.adminPort, path)));
    return JSON.stringify(answers.map((answer) => answer.json()));
  };
  expect(await pages()).not.toContain(KEY);

  const ports = { AXON_PORT: String(miner.axonPort), ADMIN_PORT: String(miner.adminPort) };
  for (const argv of [['config'], ['config', '--only', 'CHAIN_ENDPOINT'], ['status'], ['check'], ['start']]) {
    const other = await spawnMiner([...argv, '--dev'], { ...env, ...ports });
    await other.ended;
    expect(other.output()).not.toBe('');
    expect(other.output()).not.toContain(KEY);
    await other.close();
  }

  await devnet.close();
  await until(() => miner.output().includes('chain away'));
  await until(() => miner.output().includes('is not a ws:// or wss:// address'));
  expect(await pages()).not.toContain(KEY);
  expect(miner.output()).not.toContain(KEY);
  expect(contentsOf(stateDir)).not.toContain(KEY);
});
