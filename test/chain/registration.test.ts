import { describe, expect, it } from 'vitest';
import type { SubtensorReader } from '../../src/chain/reader.ts';
import { createRegistrationWatch, type Registration } from '../../src/chain/registration.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { openDevnet } from '../fixtures/devnet.ts';
import { alice, bob, charlie, dave } from '../fixtures/keys.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { until } from '../fixtures/until.ts';
import { openChain } from './fixture.ts';

describe('the registration', () => {
  it('a registration has the uid, the block, the end of immunity and the standing', async () => {
    const devnet = await openDevnet({ neurons: [{ hotkey: alice }, { hotkey: charlie }, { hotkey: bob }] });
    const chain = openChain([devnet.url]);
    expect(chain.registration).toEqual({ state: 'unknown' });
    await until(() => chain.registration.state !== 'unknown');
    expect(chain.registration).toEqual({
      state: 'registered',
      uid: 2,
      sinceBlock: 0,
      immuneUntilBlock: 4_096,
      movedFromUid: null,
      standing: { incentive: 0, rank: null, neurons: 3 },
    });
    const { immunityLeftBlocks, block } = chain.status();
    expect(immunityLeftBlocks).toBe(4_096 - (block ?? 0));
  });

  it('a lost registration names the uid, its new holder, and the price of a new one', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    await until(() => chain.registration.state === 'registered');
    devnet.deregister(bob);
    await until(() => chain.registration.state === 'deregistered');
    expect(chain.registration).toEqual({
      state: 'deregistered',
      formerUid: 1,
      takenBy: devnet.state.head.subnet.neurons[1]?.hotkey,
      burnTao: 0.1,
    });
    expect(chain.status().immunityLeftBlocks).toBeNull();
  });

  it('a registration at another uid names the former uid', async () => {
    const devnet = await openDevnet();
    const chain = openChain([devnet.url]);
    await until(() => chain.registration.state === 'registered');
    devnet.deregister(bob);
    await until(() => chain.registration.state === 'deregistered');
    devnet.register(dave);
    devnet.register(bob);
    await until(() => chain.registration.state === 'registered');
    expect(chain.registration).toMatchObject({ uid: 3, movedFromUid: 1 });
  });

  it('a registration that was lost while the miner was down counts as lost', async () => {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const first = openChain([devnet.url], { stateDir });
    await until(() => first.signersKnown && first.registration.state === 'registered');
    await first.close();
    devnet.deregister(bob);
    const second = openChain([devnet.url], { stateDir });
    await until(() => second.registration.state !== 'unknown');
    expect(second.registration).toMatchObject({ state: 'deregistered', formerUid: 1 });
  });
});

describe('a watch over the registration', () => {
  /** A chain that says what the test wants of it. */
  function createScripted() {
    const says = { uid: 5 as number | undefined, sinceBlock: 100, incentives: [0, 9, 30, 0, 65_535, 13_107] };
    const changes: Registration[] = [];
    const reader = {
      readUid: async () => says.uid,
      readRegistrationBlock: async () => says.sinceBlock,
      readImmunityPeriodBlocks: async () => undefined,
      readIncentives: async () => says.incentives,
      readBurnTao: async () => 1,
      readHotkey: async () => undefined,
    } as unknown as SubtensorReader;
    const watch = createRegistrationWatch({
      onUnreadable: () => undefined,
      reader: () => reader,
      logger: createLogger({ level: 'silent' }),
      onChange: (registration) => changes.push(registration),
    });
    return { says, changes, watch };
  }

  it('the standing ranks the incentive among the neurons', async () => {
    const { watch } = createScripted();
    await watch.refresh();
    expect(watch.current).toMatchObject({
      immuneUntilBlock: null,
      standing: { incentive: 0.2, rank: 2, neurons: 6 },
    });
  });

  it('a change of standing alone is no change of registration', async () => {
    const { watch, says, changes } = createScripted();
    await watch.refresh();
    says.incentives = [];
    await watch.refresh();
    expect(watch.current).toMatchObject({ standing: { incentive: 0, rank: null } });
    expect(changes).toHaveLength(1);
  });

  it('a move, a new registration at the same uid, and a lost uid are each reported once', async () => {
    const { watch, says, changes } = createScripted();
    await watch.refresh();
    says.uid = 2;
    await watch.refresh();
    says.sinceBlock = 200;
    await watch.refresh();
    await watch.refresh();
    says.uid = undefined;
    await watch.refresh();
    await watch.refresh();
    expect(changes).toMatchObject([
      { state: 'registered', uid: 5, movedFromUid: null },
      { state: 'registered', uid: 2, movedFromUid: 5, sinceBlock: 100 },
      { state: 'registered', uid: 2, movedFromUid: 5, sinceBlock: 200 },
      { state: 'deregistered', formerUid: 2, takenBy: null },
    ]);
  });
});
