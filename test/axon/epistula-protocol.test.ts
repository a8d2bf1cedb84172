import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createEpistulaProtocol } from '../../src/axon/epistula-protocol.ts';
import type { FullSignature } from '../../src/axon/signed-protocol.ts';
import { createStakeCheck, type KnownSigner } from '../../src/axon/stake-check.ts';
import { createReplayGuard } from '../../src/epistula/replay-guard.ts';
import { createSignatureVerifier } from '../../src/epistula/signature-verifier.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { BOB, createValidator } from '../fixtures/validator.ts';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

beforeAll(async () => {
  await cryptoWaitReady();
});

/** Epistula for //Bob with a signer table that is read again only when the test says so. */
function setUp({ known = true, servedKnown = true } = {}) {
  const clock = createManualClock();
  const verifier = createSignatureVerifier();
  onTestFinished(() => verifier.close());
  const table = new Map<string, KnownSigner>();
  const refreshes: Array<() => void> = [];
  const folder = join(temporaryFolderPath(), 'served');
  // A folder without its file is what a lost memory looks like.
  if (!servedKnown) mkdirSync(folder);
  const checkStake = createStakeCheck({
    minStakeTao: 10_000,
    signers: {
      signersKnown: known,
      signer: (hotkey) => table.get(hotkey),
      refreshSigners: () => new Promise((resolve) => refreshes.push(resolve)),
    },
  });
  const replayGuard = createReplayGuard({
    folder,
    futureToleranceMs: 60_000,
    clock,
    logger: createCapturingLogger().logger,
  });
  const epistula = createEpistulaProtocol({
    hotkey: BOB,
    futureToleranceMs: 60_000,
    bodyLimitBytes: 1_000_000,
  });
  const headersOf = (caller: ReturnType<typeof createValidator>) =>
    Object.fromEntries(
      Object.entries(caller.sign({ timestampMs: clock.now() })).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]),
    );
  const admit = async (headers: Record<string, string>, remoteAddress: string) => {
    const claim = epistula.readClaim(headers, clock.now(), '/detect_image');
    replayGuard.refuseUnknown(claim.timestampMs);
    return { claim, signer: await checkStake(claim.hotkey, remoteAddress) };
  };
  const identify = (caller: ReturnType<typeof createValidator>, remoteAddress: string) =>
    admit(headersOf(caller), remoteAddress);
  const refresh = () => {
    for (const resolve of refreshes.splice(0)) resolve();
  };
  return { epistula, verifier, clock, table, refreshes, refresh, headersOf, admit, identify };
}

describe('Epistula', () => {
  it('an unknown hotkey is looked up in a fresh signer table, a known one in the present table', async () => {
    const { table, identify, refreshes, refresh } = setUp();
    const alice = createValidator('//Alice');
    const asked = identify(alice, '1.1.1.1');
    table.set(alice.address, { uid: 5, stakeTao: 10_000 });
    refresh();
    expect((await asked).signer).toEqual({ uid: 5, stakeTao: 10_000 });
    expect((await identify(alice, '1.1.1.1')).claim.hotkey).toBe(alice.address);
    expect(refreshes).toHaveLength(0);
  });

  it('a hundred unknown hotkeys of one address do not cost another address its look at a fresh signer table', async () => {
    const { table, identify, refreshes, refresh } = setUp();
    const dave = createValidator('//Dave');
    const crowd = Array.from({ length: 100 }, () =>
      identify(dave, '6.6.6.6').then(
        () => 'served',
        ({ code }) => code,
      ),
    );
    const alice = createValidator('//Alice');
    const asked = identify(alice, '1.1.1.1');
    expect(refreshes.length).toBeLessThan(20);
    table.set(alice.address, { uid: 0, stakeTao: 20_000 });
    refresh();
    expect((await asked).signer.uid).toBe(0);
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['AXON_SIGNER_UNKNOWN']));
    const again = identify(dave, '6.6.6.6');
    expect(refreshes).toHaveLength(1);
    refresh();
    await expect(again).rejects.toMatchObject({ fields: { claimedHotkey: dave.address } });
  });

  it('a missing signer table is told apart from an unknown hotkey', async () => {
    const { identify, refresh } = setUp({ known: false });
    const asked = identify(createValidator('//Alice'), '1.1.1.1');
    refresh();
    await expect(asked).rejects.toMatchObject({ code: 'AXON_SIGNERS_UNKNOWN', status: 503 });
  });

  it('a hotkey with too little stake is refused', async () => {
    const { table, identify } = setUp();
    const charlie = createValidator('//Charlie');
    table.set(charlie.address, { uid: 2, stakeTao: 9_999 });
    await expect(identify(charlie, '1.1.1.1')).rejects.toMatchObject({
      code: 'AXON_SIGNER_STAKE',
      message: 'Signer stake 9999 is below 10000',
    });
  });

  it('Epistula counts a secret signature as a proof only if it is of the claimed hotkey', async () => {
    const { epistula, verifier, headersOf, table, admit } = setUp();
    const alice = createValidator('//Alice');
    table.set(alice.address, { uid: 0, stakeTao: 20_000 });
    const proofOf = async (headers: Record<string, string>) => {
      const { claim } = await admit(headers, '1.1.1.1');
      return epistula.prove(claim, (signed) =>
        verifier.verify({ ...signed, hotkey: claim.hotkey }, '1.1.1.1'),
      );
    };
    const name = 'epistula-secret-signature-1';
    const own = headersOf(alice);
    expect(await proofOf(own)).toBe(true);
    expect(await proofOf({ ...own, [name]: headersOf(createValidator('//Dave'))[name] ?? '' })).toBe(false);
    const { [name]: _, ...without } = own;
    expect(await proofOf(without)).toBe(false);
  });

  it('Epistula has its full signature verified when the hash of the body is there, with the uuid as its id', async () => {
    const { epistula, headersOf, table, admit } = setUp();
    const alice = createValidator('//Alice');
    table.set(alice.address, { uid: 0, stakeTao: 20_000 });
    const { claim } = await admit(headersOf(alice), '1.1.1.1');
    const handed: FullSignature[] = [];
    const verify = async (signed: FullSignature) => {
      handed.push(signed);
    };
    await epistula.beforeBody(claim, verify);
    expect(handed).toEqual([]);
    await epistula.afterBody(claim, EMPTY_SHA256, verify);
    const { uuid, timestampText, signature } = claim;
    const message = `${EMPTY_SHA256}.${uuid}.${timestampText}.${BOB}`;
    expect(handed).toEqual([{ message, signature, id: uuid, freshForMs: 8_000 }]);
  });

  it('while the memory of served requests is lost, a request that could be a replay is refused, and no later one', async () => {
    const { clock, headersOf, table, admit } = setUp({ servedKnown: false });
    const alice = createValidator('//Alice');
    table.set(alice.address, { uid: 0, stakeTao: 20_000 });
    await expect(admit(headersOf(alice), '1.1.1.1')).rejects.toMatchObject({ code: 'AXON_REPLAY_UNKNOWN' });
    clock.advance(59_999);
    await expect(admit(headersOf(alice), '1.1.1.1')).rejects.toMatchObject({ code: 'AXON_REPLAY_UNKNOWN' });
    clock.advance(1);
    expect((await admit(headersOf(alice), '1.1.1.1')).signer.uid).toBe(0);
  });
});
