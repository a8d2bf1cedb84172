import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { openDevnet } from '../../fixtures/devnet.ts';
import { alice, bob } from '../../fixtures/keys.ts';
import { createMovableClock } from '../../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';
import { until } from '../../fixtures/until.ts';
import { openChain, openNode, openProxy } from '../fixture.ts';

const LOAD_METADATA = 'Metadata_metadata_at_version';
const OTHER_GENESIS = `0x${'2f'.repeat(32)}`;

describe('the metadata kept on disk', () => {
  it('a restart with saved metadata costs a few kilobytes', async () => {
    const devnet = await openDevnet({ blockTimeMs: 60_000 });
    const proxy = await openProxy(devnet.url);
    const stateDir = temporaryFolderPath();
    const first = openChain([proxy.url], { stateDir });
    await until(() => first.signersKnown);
    expect(proxy.methods()).toContain(LOAD_METADATA);
    await first.close();

    proxy.reset();
    const second = openChain([proxy.url], { stateDir });
    await until(() => second.registration.state === 'registered');
    expect(proxy.methods()).not.toContain(LOAD_METADATA);
    expect(proxy.methods()).not.toContain('state_getMetadata');
    expect(proxy.bytes()).toBeLessThan(8_192);
  });

  it.each([
    ['is cut off', (text: string) => text.slice(0, 5_000)],
    [
      'is damaged inside',
      (text: string) => text.replace(/("metadata":"0x.{2000})./, '$1f').replace('00', '01'),
    ],
    ['is of another runtime', (text: string) => text.replace(/"key":"[^"]*"/, '"key":"0x00-1"')],
    ['is empty', () => ''],
  ])('that %s is loaded anew, and written again', async (_what, damage) => {
    const devnet = await openDevnet();
    const proxy = await openProxy(devnet.url);
    const stateDir = temporaryFolderPath();
    const path = join(stateDir, 'chain', 'metadata.json');
    const first = openChain([proxy.url], { stateDir });
    await until(() => first.signersKnown);
    await first.close();
    const whole = readFileSync(path, 'utf8');
    writeFileSync(path, damage(whole));

    proxy.reset();
    const second = openChain([proxy.url], { stateDir });
    await until(() => second.registration.state === 'registered');
    expect(proxy.methods()).toContain(LOAD_METADATA);
    expect(readFileSync(path, 'utf8')).toBe(whole);
  });

  it('the miner runs without saved metadata if the folder cannot be written', async () => {
    const devnet = await openDevnet();
    const file = join(temporaryFolderPath(), 'file');
    writeFileSync(file, '');
    const { logger, lines } = createCapturingLogger();
    const chain = openChain([devnet.url], { stateDir: file, logger });
    await until(() => chain.signersKnown);
    expect(lines().some(({ msg }) => msg === 'state file not written; a restart will miss it')).toBe(true);
  });
});

describe('the signer table kept on disk', () => {
  /** A state folder left by a miner that was connected, whose chain is away now. */
  async function leave(): Promise<{ stateDir: string; url: string; path: string; genesisHash: string }> {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const chain = openChain([devnet.url], { stateDir });
    await until(() => chain.signersKnown);
    await chain.close();
    await devnet.close();
    const { hash: genesisHash } = devnet.state.genesis;
    return { stateDir, url: devnet.url, path: join(stateDir, 'chain', 'signers.json'), genesisHash };
  }

  it('a miner that starts while the chain is away knows the saved signer table and its age', async () => {
    const { stateDir, url } = await leave();
    const chain = openChain([url], { stateDir });
    expect(chain.signersKnown).toBe(true);
    expect(chain.signer(alice)).toEqual({ uid: 0, stakeTao: 1_000_000, permit: true });
    expect(chain.status().signers).toMatchObject({ known: true, count: 3, ageMs: expect.any(Number) });
    await until(() => chain.status().connection.state === 'down');
    expect(chain.signersKnown).toBe(true);
  });

  it('a saved signer table that is too old does not count', async () => {
    const { stateDir, url } = await leave();
    const clock = createMovableClock();
    clock.moveMs(3_600_001);
    const chain = openChain([url], { stateDir, clock, signersMaxAgeMs: 3_600_000 });
    expect(chain.signersKnown).toBe(false);
    expect(chain.signer(alice)).toBeUndefined();
    expect(chain.status().signers.ageMs).toBeGreaterThan(3_600_000);
  });

  it.each([
    ['another subnet', (text: string) => text.replace('"netuid":34', '"netuid":35')],
    ['another chain', (text: string) => text.replace(/"genesisHash":"0x../, '"genesisHash":"0x00')],
    ['nobody knows what', () => '{"signers":[{"hotkey":1}]}'],
    ['half a write', (text: string) => text.slice(0, -20)],
  ])('is not believed when it is of %s', async (_what, change) => {
    const { stateDir, url, path } = await leave();
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    expect(openChain([url], { stateDir }).signersKnown).toBe(false);
  });

  it('a saved signer table of another network does not count', async () => {
    const { stateDir, url } = await leave();
    expect(openChain([url], { stateDir, expectedGenesisHash: OTHER_GENESIS }).signersKnown).toBe(false);
  });

  it('the saved signer table is that of the last reading', async () => {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const chain = openChain([devnet.url], { stateDir });
    await until(() => chain.signersKnown);
    devnet.setPermit(bob, true);
    await until(() => chain.signer(bob)?.permit === true);
    await chain.close();
    await devnet.close();
    expect(openChain([devnet.url], { stateDir }).signer(bob)).toMatchObject({ permit: true });
  });
});

describe('a network whose genesis is not known', () => {
  it('an unknown network accepts only its first chain, until the file in the error is removed', async () => {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const first = openChain([devnet.url], { stateDir });
    await until(() => first.status().connection.state === 'connected');
    await first.close();

    const asked: string[] = [];
    const other = await openNode(({ id, method }) => {
      asked.push(method);
      return { jsonrpc: '2.0', id, result: OTHER_GENESIS };
    });
    const second = openChain([other], { stateDir });
    await until(() => second.status().lastFailure !== null);
    const genesisPath = join(stateDir, 'chain', 'genesis.json');
    expect(second.status().lastFailure).toMatchObject({
      code: 'CHAIN_WRONG_NETWORK',
      reason: expect.stringContaining(`delete ${genesisPath}`),
    });
    expect(new Set(asked)).toEqual(new Set(['chain_getBlockHash']));

    rmSync(genesisPath);
    await until(() => asked.includes('state_getStorage'));
  });

  it('an unusable chain is not pinned', async () => {
    const other = await openNode(({ id }) => ({ jsonrpc: '2.0', id, result: OTHER_GENESIS }));
    const devnet = await openDevnet();
    const chain = openChain([other, devnet.url], { stateDir: temporaryFolderPath() });
    await until(() => chain.signersKnown);
    expect(chain.status().connection).toMatchObject({ endpoint: devnet.url });
  });

  it('no chain is pinned if the network names its genesis', async () => {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const chain = openChain([devnet.url], { stateDir, expectedGenesisHash: devnet.state.genesis.hash });
    await until(() => chain.signersKnown);
    expect(() => readFileSync(join(stateDir, 'chain', 'genesis.json'))).toThrow('ENOENT');
  });
});
