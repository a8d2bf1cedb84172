import { describe, expect, it } from 'vitest';
import { createBodyBudget } from '../../src/admission/body-budget.ts';
import type { MinerError } from '../../src/errors.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

function setUp() {
  const clock = createManualClock();
  const budget = createBodyBudget({ totalBytes: 1_000, bodyLimitBytes: 100, clock });
  const evicted: string[] = [];
  let proofs = 0;
  const open = (name: string, address: string, holdsKey = false) =>
    budget.open({
      address,
      prove: async () => {
        proofs++;
        return holdsKey;
      },
      evict: (_reason: MinerError) => evicted.push(name),
    });
  return { clock, budget, evicted, open, proofs: () => proofs };
}

describe('the body budget', () => {
  it('asks for no proof while there is room', async () => {
    const { open, proofs } = setUp();
    const account = await open('a', '1.1.1.1');
    await account.charge(100);
    expect(proofs()).toBe(0);
  });

  it('lets claimed callers use half of the room, and of that one address half', async () => {
    const { open, budget } = setUp();
    const first = await open('a', '1.1.1.1');
    await first.charge(250);
    await expect(first.charge(1)).rejects.toMatchObject({ code: 'AXON_BUSY' });
    const second = await open('b', '2.2.2.2');
    await second.charge(250);
    expect(budget.status()).toMatchObject({ claimedBytes: 500, provenBytes: 0 });
  });

  it('lets a caller that proves its key use the other half too', async () => {
    const { open, budget } = setUp();
    await (await open('a', '1.1.1.1')).charge(250);
    await (await open('b', '2.2.2.2')).charge(250);
    const validator = await open('validator', '3.3.3.3', true);
    await validator.charge(400);
    expect(budget.status()).toMatchObject({ claimedBytes: 500, provenBytes: 400 });
  });

  it('ends the slowest claimed upload for a newcomer without proof', async () => {
    const { open, clock, evicted } = setUp();
    await (await open('slow', '1.1.1.1')).charge(120);
    clock.advance(8_000);
    await (await open('fast', '1.1.1.1')).charge(120);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(60);
    expect(evicted).toEqual(['slow']);
  });

  it('asks a slow upload for its proof before it is ended', async () => {
    const { open, clock, evicted } = setUp();
    await (await open('slow validator', '1.1.1.1', true)).charge(200);
    await (await open('slow stranger', '1.1.1.1')).charge(50);
    clock.advance(8_000);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(240);
    expect(evicted).toEqual(['slow stranger']);
  });

  it('never ends an upload whose full signature was verified', async () => {
    const { open, clock, evicted } = setUp();
    const verified = await open('verified', '1.1.1.1');
    await verified.charge(240);
    verified.confirm();
    clock.advance(9_000);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(250);
    expect(evicted).toEqual([]);
  });

  it('makes room by number of uploads too', async () => {
    const { open, clock, evicted, budget } = setUp();
    for (let index = 0; index < 256; index++) await open(`slow ${index}`, '1.1.1.1');
    clock.advance(5_000);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(10);
    expect(evicted).toHaveLength(1);
    expect(budget.status().claimedUploads).toBe(256);
  });

  it('gives room back when an account closes', async () => {
    const { open, budget } = setUp();
    const account = await open('a', '1.1.1.1');
    await account.charge(250);
    account.close();
    expect(budget.status()).toMatchObject({ claimedBytes: 0, claimedUploads: 0 });
    await (await open('b', '1.1.1.1')).charge(250);
  });
});
