import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifySignature } from '../../src/epistula/signature-verifier.ts';
import { NO_FIELDS_HASH, synapseMessage } from '../../src/synapse/messages.ts';
import { BOB } from '../fixtures/validator.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const EMPTY = 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a';

beforeAll(async () => {
  await cryptoWaitReady();
});

it('the body hash of a class without hashed fields is that of nothing', () => {
  expect(NO_FIELDS_HASH).toBe(EMPTY);
});

describe('the signed message', () => {
  const message = synapseMessage({
    nonce: 1_745_850_000_123_456_789n,
    dendriteHotkey: ALICE,
    axonHotkey: BOB,
    dendriteUuid: '5f3b1c0a-2431-11f0-9c1d-0242ac120002',
    bodyHash: EMPTY,
  });

  it('the signed message joins nonce, both hotkeys, the uuid and the hash', () => {
    expect(message).toBe(`1745850000123456789.${ALICE}.${BOB}.5f3b1c0a-2431-11f0-9c1d-0242ac120002.${EMPTY}`);
  });

  it('the signed message is what the SDK signs', () => {
    const signature =
      '0x8e99166afe5775115881be1f73b6191737eeab3c518f36e4dfe0e1a60be2805380a2ae1e6910912c0f7cf678e53f501033096aae37e5edb6235147c02ce5f387';
    expect(verifySignature(message, signature, ALICE)).toBe(true);
    expect(verifySignature(message.replace(EMPTY, EMPTY.replace('a', 'b')), signature, ALICE)).toBe(false);
  });
});
