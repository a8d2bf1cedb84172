import { describe, expect, it } from 'vitest';
import { createBodyBudget } from '../../src/admission/body-budget.ts';
import { MinerError } from '../../src/errors.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

function setUp() {
  const clock = createManualClock();
  const budget = createBodyBudget({ totalBytes: 1_000, bodyLimitBytes: 100, clock });
  const evicted: string[] = [];
  let proofs = 0;
  const open = (name: string, remoteAddress: string, holdsKey = false, declaredBytes = 300, hotkey = name) =>
    budget.open({
      remoteAddress,
      hotkey,
      declaredBytes,
      prove: async () => {
        proofs++;
        return holdsKey;
      },
      evict: (_reason: MinerError) => evicted.push(name),
    });
  return { clock, budget, evicted, open, proofs: () => proofs };
}

describe('the body budget', () => {
  it('the body budget asks for no proof while there is room', async () => {
    const { open, proofs } = setUp();
    const account = await open('a', '1.1.1.1');
    await account.charge(100);
    expect(proofs()).toBe(0);
  });

  it('the body budget lets claimed callers use half of the room, and of that one address half', async () => {
    const { open, budget } = setUp();
    const first = await open('a', '1.1.1.1');
    await first.charge(250);
    await expect(first.charge(1)).rejects.toMatchObject({ code: 'AXON_BUSY' });
    const second = await open('b', '2.2.2.2');
    await second.charge(250);
    expect(budget.status()).toMatchObject({ claimedBytes: 500, provenBytes: 0 });
    const third = await open('c', '3.3.3.3');
    await expect(third.charge(1)).rejects.toMatchObject({ code: 'AXON_BUSY' });
  });

  it('the body budget lets a proven upload use the other half too', async () => {
    const { open, budget } = setUp();
    await (await open('a', '1.1.1.1')).charge(250);
    await (await open('b', '2.2.2.2')).charge(250);
    for (const name of ['validator', 'other validator']) {
      await (await open(name, '3.3.3.3', true)).charge(200);
    }
    expect(budget.status()).toMatchObject({ claimedBytes: 500, provenBytes: 400 });
  });

  it('the body budget ends the slowest claimed upload for a newcomer without proof', async () => {
    const { open, clock, evicted } = setUp();
    await (await open('slow', '1.1.1.1')).charge(120);
    clock.advance(8_000);
    await (await open('fast', '1.1.1.1')).charge(120);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(60);
    expect(evicted).toEqual(['slow']);
  });

  it('the body budget ends a large upload that still takes long rather than a small one that is whole', async () => {
    const clock = createManualClock();
    const MIB = 1024 * 1024;
    const budget = createBodyBudget({ totalBytes: 64 * MIB, bodyLimitBytes: 8 * MIB, clock });
    const evicted: string[] = [];
    const open = (name: string, declaredBytes: number) =>
      budget.open({
        remoteAddress: '1.1.1.1',
        hotkey: name,
        declaredBytes,
        prove: async () => false,
        evict: () => evicted.push(name),
      });
    for (const index of [0, 1, 2, 3, 4, 5, 6])
      await (await open(`burst ${index}`, 150 * MIB)).charge(2 * MIB);
    const small = await open('small', 40_000);
    await small.charge(40_000);
    clock.advance(200);
    const latest = await open('latest burst', 150 * MIB);
    await expect(latest.charge(2 * MIB)).rejects.toMatchObject({ code: 'AXON_BUSY' });
    const second = await open('second small', 4 * MIB);
    await second.charge(3 * MIB);
    expect(evicted).toEqual(['burst 0']);
  });

  it('the body budget asks a slow upload for its proof before it is ended', async () => {
    const { open, clock, evicted } = setUp();
    await (await open('slow validator', '1.1.1.1', true)).charge(200);
    await (await open('slow stranger', '1.1.1.1')).charge(50);
    clock.advance(8_000);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(240);
    expect(evicted).toEqual(['slow stranger']);
  });

  it('the body budget never ends an upload whose full signature was verified', async () => {
    const { open, clock, evicted } = setUp();
    const verified = await open('verified', '1.1.1.1');
    await verified.charge(240);
    verified.confirm();
    clock.advance(9_000);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(250);
    expect(evicted).toEqual([]);
  });

  it('the body budget makes room if one address has too many uploads', async () => {
    const { open, clock, evicted, budget } = setUp();
    for (let index = 0; index < 256; index++) await open(`slow ${index}`, '1.1.1.1');
    clock.advance(5_000);
    const newcomer = await open('newcomer', '1.1.1.1');
    await newcomer.charge(10);
    expect(evicted).toHaveLength(1);
    expect(budget.status().claimedUploads).toBe(256);
  });

  it('the body budget makes room among all claimed uploads if there are 512', async () => {
    const { open, clock, evicted, budget } = setUp();
    for (let index = 0; index < 512; index++) await open(`slow ${index}`, `1.1.1.${index % 4}`);
    clock.advance(5_000);
    await (await open('newcomer', '2.2.2.2')).charge(10);
    expect(evicted).toHaveLength(1);
    expect(budget.status().claimedUploads).toBe(512);
  });

  /** Uploads with the copied secret signature of one validator, which hold all that it may hold, from many addresses. */
  async function copiedProof() {
    const made = setUp();
    // Room is short, so that proofs are asked for.
    for (const address of ['1.1.1.1', '2.2.2.2'])
      await (await made.open(`crowd ${address}`, address)).charge(250);
    for (let index = 0; index < 5; index++) {
      const upload = await made.open(`copy ${index}`, `9.9.9.${index}`, true, 300, 'validator');
      await upload.charge(50);
    }
    return made;
  }

  it('the body budget gives one proven hotkey a quarter of the room, from however many addresses', async () => {
    const { open, budget, clock } = await copiedProof();
    clock.advance(10);
    const another = await open('copy 5', '9.9.9.9', true, 10_000_000, 'validator');
    await expect(another.charge(100)).rejects.toMatchObject({ code: 'AXON_BUSY' });
    expect(budget.status()).toMatchObject({ claimedBytes: 500, provenBytes: 250 });
    await (await open('other', '8.8.8.8', true)).charge(250);
  });

  it('the body budget ends the slowest upload of a proven hotkey for a quicker one of the same', async () => {
    const { open, evicted, clock } = await copiedProof();
    clock.advance(8_000);
    const own = await open('own', '3.3.3.3', true, 100, 'validator');
    await own.charge(100);
    expect(evicted).toEqual(['copy 0', 'copy 1']);
  });

  it('the body budget counts a verified upload against no share, and never ends it', async () => {
    const { open, evicted, clock } = setUp();
    const verified = await open('verified', '1.1.1.1', true, 300, 'validator');
    await verified.charge(250);
    verified.confirm();
    await (await open('crowd', '2.2.2.2')).charge(250);
    clock.advance(8_000);
    const own = await open('own', '3.3.3.3', true, 250, 'validator');
    await own.proven();
    await own.charge(250);
    await (await open('other', '4.4.4.4', true)).charge(250);
    expect(evicted).toEqual([]);
  });

  it('the body budget makes room for a hotkey that holds less among the proven uploads of the one that holds the most', async () => {
    const { open, evicted } = setUp();
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) {
      const upload = await open(name, '1.1.1.1', true);
      await upload.proven();
      await upload.charge(250);
    }
    await (await open('e', '1.1.1.1', true)).charge(100);
    expect(evicted).toEqual(['a']);
  });

  it('the body budget makes no room for a hotkey that would then hold the most itself', async () => {
    const { open, evicted } = setUp();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const upload = await open(name, '1.1.1.1', true);
      await upload.proven();
      await upload.charge(200);
    }
    const more = await open('more of e', '1.1.1.1', true, 300, 'e');
    await expect(more.charge(50)).rejects.toMatchObject({ code: 'AXON_BUSY' });
    expect(evicted).toEqual([]);
  });

  it('the body budget takes at most 256 proven uploads of one hotkey', async () => {
    const { open, evicted, clock } = setUp();
    for (let index = 0; index < 256; index++) {
      await (await open(`copy ${index}`, `1.1.${index}.1`, true, 300, 'validator')).proven();
    }
    clock.advance(5_000);
    const own = await open('own', '2.2.2.2', true, 300, 'validator');
    await own.proven();
    await own.charge(1);
    expect(evicted).toEqual(['copy 0']);
  });

  it('the body budget gives room back when an account closes', async () => {
    const { open, budget } = setUp();
    const account = await open('a', '1.1.1.1');
    await account.charge(250);
    account.close();
    expect(budget.status()).toMatchObject({ claimedBytes: 0, claimedUploads: 0 });
    await (await open('b', '1.1.1.1')).charge(250);
  });

  it('the body budget counts a proof that cannot be checked as none, and goes on', async () => {
    const { budget, evicted, clock } = setUp();
    const unprovable = { prove: () => Promise.reject(new MinerError('AXON_BUSY', 'too many wait')) };
    const flood = await budget.open({
      remoteAddress: '1.1.1.1',
      hotkey: 'named',
      declaredBytes: 300,
      ...unprovable,
      evict: () => evicted.push('flood'),
    });
    await flood.charge(250);
    expect(await flood.proven()).toBe(false);
    clock.advance(8_000);
    const newcomer = await budget.open({
      remoteAddress: '1.1.1.1',
      hotkey: 'named',
      declaredBytes: 300,
      ...unprovable,
      evict: () => evicted.push('newcomer'),
    });
    await newcomer.charge(250);
    expect(evicted).toEqual(['flood']);
  });

  /** A slow upload that holds all the room of its address, and two newcomers that wait for its proof. */
  async function awaitingProof() {
    const { budget, clock, open, evicted } = setUp();
    let answer: (holdsKey: boolean) => void = () => undefined;
    const proof = new Promise<boolean>((resolve) => {
      answer = resolve;
    });
    const slow = await budget.open({
      remoteAddress: '1.1.1.1',
      hotkey: 'named',
      declaredBytes: 300,
      prove: () => proof,
      evict: () => evicted.push('slow'),
    });
    await slow.charge(250);
    clock.advance(8_000);
    const newcomers = await Promise.all([open('a', '1.1.1.1'), open('b', '1.1.1.1')]);
    const charges = newcomers.map((newcomer) => newcomer.charge(100));
    // Lets the newcomers get as far as the proof that they wait for.
    await new Promise((resolve) => setImmediate(resolve));
    return { budget, slow, answer, charges, evicted };
  }

  it('the body budget ends no upload whose proof is still awaited', async () => {
    const { answer, charges, evicted } = await awaitingProof();
    expect(evicted).toEqual([]);
    answer(true);
    await Promise.all(charges);
    expect(evicted).toEqual([]);
  });

  it('the body budget lets a verified upload stay when its proof fails afterwards', async () => {
    const { budget, slow, answer, charges, evicted } = await awaitingProof();
    slow.confirm();
    answer(false);
    await Promise.all(charges);
    expect(evicted).toEqual([]);
    expect(budget.status()).toMatchObject({ claimedBytes: 200, provenBytes: 250 });
  });

  it('the body budget ends no upload if room came free while a proof was awaited', async () => {
    const { slow, answer, charges, evicted } = await awaitingProof();
    slow.close();
    answer(false);
    await Promise.all(charges);
    expect(evicted).toEqual([]);
  });
});
