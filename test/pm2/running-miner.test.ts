import { describe, expect, it } from 'vitest';
import { askIdentity } from '../../src/pm2/running-miner.ts';
import { startAdminPort } from '../fixtures/admin-port.ts';

const { signal } = new AbortController();

describe('a process under pm2', () => {
  it('gives its hotkey and its admin port itself, even if the list of pm2 has another port, or none', async () => {
    const miner = await startAdminPort('5A');
    const identity = { pid: miner.pid, hotkey: '5A', adminPort: miner.port };
    for (const adminPort of [undefined, 1, miner.port]) {
      expect(await askIdentity({ pid: miner.pid, adminPort }, signal)).toEqual(identity);
    }
  });

  it('is not confused with another miner that answers on the listed port', async () => {
    const other = await startAdminPort('5B');
    expect(await askIdentity({ pid: process.pid, adminPort: other.port }, signal)).toBeUndefined();
  });

  it('gives nothing while it does not run', async () => {
    const other = await startAdminPort('5B');
    expect(await askIdentity({ pid: undefined, adminPort: other.port }, signal)).toBeUndefined();
  });
});
