import { hexToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { expect, it } from 'vitest';
import { axonCall } from '../../src/chain/axon-call.ts';
import { encodeServeAxon, requireKnownCall } from '../../src/chain/known-call.ts';

const AXON = { ...axonCall({ ip: '8.8.8.8', port: 8091 }), version: 10_002_000 };
/** The announcement of 8.8.8.8:8091 on netuid 34 by version 10.2.0 of the SDK. */
const SERVE_AXON = '0x07042200509e9800080808080000000000000000000000009b1f04040000';
const EXTENSIONS = ['CheckNonZeroSender', 'CheckGenesis', 'CheckMetadataHash'];
const REST = new Uint8Array(100).fill(7);

const judge =
  (call: Uint8Array, extensions = EXTENSIONS) =>
  () =>
    requireKnownCall({ message: u8aConcat(call, REST), extensions, netuid: 34, axon: AXON });

it('serve_axon is encoded as mainnet takes it', () => {
  expect(u8aToHex(encodeServeAxon(34, AXON))).toBe(SERVE_AXON);
});

it('serve_axon with the values that were asked for may be signed', () => {
  expect(judge(hexToU8a(SERVE_AXON))).not.toThrow();
});

it('no call that differs in a single byte may be signed', () => {
  for (let index = 0; index < 30; index += 1) {
    const call = hexToU8a(SERVE_AXON);
    call[index] = (call[index] ?? 0) ^ 1;
    expect(judge(call)).toThrow(expect.objectContaining({ code: 'CHAIN_ENDPOINT_UNTRUSTED' }));
  }
});

it('neither a shorter message nor the hash of a long one may be signed', () => {
  for (const message of [new Uint8Array(0), hexToU8a(SERVE_AXON).subarray(0, 29), new Uint8Array(32)]) {
    expect(() => requireKnownCall({ message, extensions: EXTENSIONS, netuid: 34, axon: AXON })).toThrow(
      expect.objectContaining({ code: 'CHAIN_ENDPOINT_UNTRUSTED' }),
    );
  }
});

it('nothing is signed for a runtime that has an unknown extension, whose name is cut', () => {
  expect(judge(hexToU8a(SERVE_AXON), [...EXTENSIONS, `Sweep\u001b${'x'.repeat(10_000)}`])).toThrow(
    expect.objectContaining({
      code: 'CHAIN_ENDPOINT_UNTRUSTED',
      message: expect.stringMatching(/^the endpoint asks to sign Sweep x{54}… *,/u),
    }),
  );
});
