import { describe, expect, it } from 'vitest';
import { askIdentity } from '../../src/pm2/running-miner.ts';
import { startAdminPort } from '../fixtures/admin-port.ts';

const { signal } = new AbortController();

describe('a process under pm2', () => {
  it('tells its hotkey and its admin port itself, though pm2 noted another port, or none', async () => {
    const miner = await startAdminPort('5A');
    const identity = { pid: miner.pid, hotkey: '5A', adminPort: miner.port };
    for (const adminPort of [undefined, 1, miner.port]) {
      expect(await askIdentity({ pid: miner.pid, adminPort }, signal)).toEqual(identity);
    }
  });

  it('is not mistaken for another that answers on the noted port', async () => {
    const other = await startAdminPort('5B');
    expect(await askIdentity({ pid: process.pid, adminPort: other.port }, signal)).toBeUndefined();
  });

  it('tells nothing while it does not run', async () => {
    const other = await startAdminPort('5B');
    expect(await askIdentity({ pid: undefined, adminPort: other.port }, signal)).toBeUndefined();
  });
});
