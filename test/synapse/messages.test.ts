import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifySignature } from '../../src/epistula/verify.ts';
import { synapseBodyHash } from '../../src/synapse/body-hash.ts';
import { synapseMessage } from '../../src/synapse/messages.ts';
import { BOB } from '../fixtures/validator.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const EMPTY = 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a';

beforeAll(async () => {
  await cryptoWaitReady();
});

describe('the body hash', () => {
  it('of a class without hashed fields is that of nothing', () => {
    expect(synapseBodyHash()).toBe(EMPTY);
  });

  // hashlib: sha3_256((sha3_256(b'hello').hexdigest() + sha3_256(b'[0.5, 1]').hexdigest()).encode()).hexdigest()
  it('of a class with hashed fields is that of their joined digests', () => {
    expect(synapseBodyHash(['hello', '[0.5, 1]'])).toBe(
      '8e316e482bc34e00591e3d429a2c8b5772dc46418ccb7b7c8ad796c05a323f6f',
    );
  });
});

describe('the signed message', () => {
  const message = synapseMessage({
    nonce: 1_745_850_000_123_456_789n,
    dendriteHotkey: ALICE,
    axonHotkey: BOB,
    dendriteUuid: '5f3b1c0a-2431-11f0-9c1d-0242ac120002',
    bodyHash: EMPTY,
  });

  it('joins nonce, both hotkeys, the uuid and the hash', () => {
    expect(message).toBe(`1745850000123456789.${ALICE}.${BOB}.5f3b1c0a-2431-11f0-9c1d-0242ac120002.${EMPTY}`);
  });

  it('is what the SDK signs', () => {
    const signature =
      '0x8e99166afe5775115881be1f73b6191737eeab3c518f36e4dfe0e1a60be2805380a2ae1e6910912c0f7cf678e53f501033096aae37e5edb6235147c02ce5f387';
    expect(verifySignature(message, signature, ALICE)).toBe(true);
    expect(verifySignature(message.replace(EMPTY, EMPTY.replace('a', 'b')), signature, ALICE)).toBe(false);
  });
});
