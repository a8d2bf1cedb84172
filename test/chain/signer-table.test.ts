import { describe, expect, it } from 'vitest';
import type { Neurons, SubtensorReader } from '../../src/chain/reader.ts';
import { createSignersFile, createSignerTable } from '../../src/chain/signer-table.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { openDevnet } from '../fixtures/devnet.ts';
import { alice, bob, charlie, dave } from '../fixtures/keys.ts';
import { createManualClock, createMovableClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { openChain } from './fixture.ts';

describe('the signer table', () => {
  it('the signer table holds uid, stake and permit of every neuron', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    await until(() => chain.signersKnown);
    expect(chain.signer(alice)).toEqual({ uid: 0, stakeTao: 1_000_000, permit: true });
    expect(chain.signer(bob)).toMatchObject({ uid: 1, permit: false });
    expect(chain.signer(charlie)).toEqual({ uid: 2, stakeTao: 100, permit: false });
    expect(chain.signer(dave)).toBeUndefined();
    expect(chain.status().signers).toMatchObject({ known: true, count: 3, ageMs: expect.any(Number) });
  });

  it('the signer table keeps fractions of a TAO, and stakes beyond what a double holds in rao', async () => {
    const neurons = [
      { hotkey: alice, stakeTao: 20_999_999.123, permit: true },
      { hotkey: bob, stakeTao: 0.5 },
    ];
    const devnet = await openDevnet({ neurons });
    const chain = openChain([devnet.url]);
    await until(() => chain.signersKnown);
    expect(chain.signer(alice)?.stakeTao).toBeCloseTo(20_999_999.123, 3);
    expect(chain.signer(bob)?.stakeTao).toBe(0.5);
  });

  it('the signer table shows a change of stake after a refresh', async () => {
    const devnet = await openDevnet({ blockTimeMs: 60_000 });
    const clock = createMovableClock();
    const chain = openChain([devnet.url], { clock });
    await until(() => chain.signersKnown);
    devnet.setStake(charlie, 20_000);
    clock.moveMs(6_000);
    await chain.refreshSigners(10_000);
    expect(chain.signer(charlie)?.stakeTao).toBe(20_000);
  });

  it('the signer table reads the stake again every 25 blocks', async () => {
    const devnet = await openDevnet({ blockTimeMs: 50 });
    const chain = openChain([devnet.url]);
    await until(() => chain.signersKnown);
    devnet.setStake(charlie, 20_000);
    await until(() => chain.signer(charlie)?.stakeTao === 20_000);
  });

  it('the signer table shows a new permit and a new neuron at once', async () => {
    const devnet = await openDevnet({ blockTimeMs: 60_000 });
    const chain = openChain([devnet.url]);
    await until(() => chain.signersKnown);
    devnet.setPermit(charlie, true);
    await until(() => chain.signer(charlie)?.permit === true);
    devnet.register(dave, { stakeTao: 7 });
    await until(() => chain.signer(dave)?.stakeTao === 7);
  });

  it('the signer table finds a new signer when a request asks for it', async () => {
    const devnet = await openDevnet({ blockTimeMs: 60_000 });
    const clock = createMovableClock();
    const chain = openChain([devnet.url], { clock });
    await until(() => chain.signersKnown);
    // He takes the uid of another, which shows in none of the watched values.
    devnet.deregister(charlie);
    devnet.register(dave, { stakeTao: 50_000 });
    clock.moveMs(6_000);
    await chain.refreshSigners(10_000);
    expect(chain.signer(dave)).toMatchObject({ uid: 2, stakeTao: 50_000 });
    expect(chain.signer(charlie)).toBeUndefined();
  });
});

describe('reading the table for unknown callers', () => {
  function createCountedTable({
    minIntervalMs = 6_000,
    read = async (): Promise<Neurons> => new Map(),
  } = {}) {
    const clock = createMovableClock();
    let reads = 0;
    const reader = {
      readNeurons: () => {
        reads += 1;
        return read();
      },
    } as unknown as SubtensorReader;
    const table = createSignerTable({
      onUnreadable: () => undefined,
      reader: () => reader,
      minIntervalMs,
      maxAgeMs: 24 * 3_600_000,
      logger: createLogger({ level: 'silent' }),
      clock,
    });
    return { table, clock, reads: () => reads };
  }

  it('all callers at the same time share one reading of the signer table', async () => {
    const { table, reads } = createCountedTable();
    await Promise.all(Array.from({ length: 50 }, () => table.refreshFor(1_000)));
    expect(reads()).toBe(1);
  });

  it('the signer table is not read again for a caller within six seconds', async () => {
    const { table, clock, reads } = createCountedTable();
    await table.refreshFor(1_000);
    clock.moveMs(3_000);
    await table.refreshFor(1_000);
    expect(reads()).toBe(1);
    clock.moveMs(3_000);
    await table.refreshFor(1_000);
    expect(reads()).toBe(2);
  });

  it('a caller waits no longer than its time limit, and the reading goes on', async () => {
    let answer: ((signers: Neurons) => void) | undefined;
    const { table } = createCountedTable({
      read: () =>
        new Promise<Neurons>((resolve) => {
          answer = resolve;
        }),
    });
    await table.refreshFor(10);
    expect(table.known).toBe(false);
    answer?.(new Map([[alice, { uid: 0, stakeTao: 1, permit: true }]]));
    await until(() => table.known);
  });

  it('a failed reading keeps the last good signer table', async () => {
    let fail = false;
    const { table, clock } = createCountedTable({
      read: async () => {
        if (fail) throw new Error('the chain is away');
        return new Map([[alice, { uid: 0, stakeTao: 1, permit: true }]]);
      },
    });
    await table.refresh();
    fail = true;
    clock.moveMs(60_000);
    await table.refreshFor(1_000);
    expect(table.get(alice)).toBeDefined();
    expect(table.ageMs).toBeGreaterThanOrEqual(60_000);
  });

  it('a signer table that is too old does not count, and the next one does', async () => {
    let fail = false;
    const { table, clock } = createCountedTable({
      read: async () => {
        if (fail) throw new Error('the chain is away');
        return new Map([[alice, { uid: 0, stakeTao: 1, permit: true }]]);
      },
    });
    await table.refresh();
    fail = true;
    clock.moveMs(23 * 3_600_000);
    await table.refresh();
    expect(table.known).toBe(true);
    clock.moveMs(2 * 3_600_000);
    expect(table.known).toBe(false);
    expect(table.get(alice)).toBeUndefined();
    fail = false;
    await table.refresh();
    expect(table.get(alice)).toBeDefined();
  });
});

describe('the signer table on disk', () => {
  it.each([
    ['as old as the clock says', 3_600_000, 3_600_000],
    ['not younger than new, though the clock was set back', -3_600_000, 0],
  ])('is %s', (_, passedMs, ageMs) => {
    const folder = temporaryFolderPath();
    const signers = new Map([['5Alice', { uid: 0, stakeTao: 20_000, permit: true }]]);
    const { logger } = createCapturingLogger();
    const clock = createManualClock();
    const file = createSignersFile({ folder, netuid: 34, logger, clock });
    file.save({ genesisHash: '0x01', block: 7, signers: signers });
    clock.advance(passedMs);
    expect(file.load('0x01')).toEqual({ signers: signers, block: 7, ageMs });
  });
});
