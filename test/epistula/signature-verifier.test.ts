import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createSignatureVerifier } from '../../src/epistula/signature-verifier.ts';
import { developmentWallet } from '../../src/wallet/development.ts';

beforeAll(async () => {
  await cryptoWaitReady();
});

function setUp() {
  const verifier = createSignatureVerifier();
  onTestFinished(() => verifier.close());
  const alice = developmentWallet('//Alice');
  const job = (message: string) => ({
    message,
    signature: `0x${Buffer.from(alice.sign(message)).toString('hex')}`,
    hotkey: alice.hotkeyAddress,
  });
  return { verifier, job };
}

describe('the signature verifier', () => {
  it('the signature verifier tells valid from forged signatures, also of many at once', async () => {
    const { verifier, job } = setUp();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const good = job(`message ${index}`);
        return verifier.verify(index % 2 === 0 ? good : { ...good, message: 'another' }, 'a');
      }),
    );
    expect(answers).toEqual(Array.from({ length: 40 }, (_, index) => index % 2 === 0));
  });

  it('the signature verifier refuses a signature or a hotkey that cannot be read', async () => {
    const { verifier, job } = setUp();
    const good = job('m');
    for (const damaged of [{ signature: '0x00' }, { signature: '' }, { hotkey: 'nobody' }, { hotkey: '' }]) {
      expect(await verifier.verify({ ...good, ...damaged }, 'a')).toBe(false);
    }
    expect(await verifier.verify(good, 'a')).toBe(true);
  });

  it('the signature verifier lets an address with one request pass another with many', async () => {
    const { verifier, job } = setUp();
    const order: string[] = [];
    const flood = Array.from({ length: 50 }, (_, index) =>
      verifier.verify(job(`flood ${index}`), 'flooder').then(() => order.push('flooder')),
    );
    const single = verifier.verify(job('single'), 'validator').then(() => order.push('validator'));
    await Promise.all([...flood, single]);
    expect(order.indexOf('validator')).toBeLessThan(3);
  });

  it('the signature verifier refuses an address whose requests pile up, and serves it again later', async () => {
    const { verifier, job } = setUp();
    const one = job('m');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 700 }, () => verifier.verify(one, 'flooder')),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ reason: { code: 'AXON_BUSY' } });
    expect(await verifier.verify(one, 'flooder')).toBe(true);
  });

  it('the signature verifier refuses waiting signatures when it closes', async () => {
    const { verifier, job } = setUp();
    const waiting = verifier.verify(job('m'), 'a');
    const closing = expect(waiting).rejects.toMatchObject({ code: 'AXON_CLOSING' });
    await verifier.close();
    await closing;
    await expect(verifier.verify(job('m'), 'a')).rejects.toMatchObject({ code: 'AXON_CLOSING' });
  });
});
