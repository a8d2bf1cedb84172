import { describe, expect, it } from 'vitest';
import type { Announcement, HeldAddress } from '../../src/chain/announcement.ts';
import type { Chain, ChainStatus } from '../../src/chain/chain.ts';
import type { Connection } from '../../src/chain/link/connection.ts';
import { readWeightsVersion } from '../../src/chain/validator-release.ts';
import type { Engine, EngineStatus } from '../../src/inference/engine.ts';
import { type ReadinessView, readinessOf } from '../../src/miner/readiness.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

const NOW_MS = createManualClock().now();
const ANNOUNCED: Announcement = {
  state: 'announced',
  ip: '8.8.8.8',
  port: 8091,
  block: 7,
  finalized: true,
};
const AWAY: Connection = {
  state: 'down',
  endpoint: 'ws://127.0.0.1',
  code: 'CHAIN_UNREACHABLE',
  reason: 'refused',
};
const HELD: HeldAddress = { ip: '203.0.113.9', port: 8091, block: 5, leadsHere: false, isForeign: true };

/** What readiness is judged by, all of it well unless the test says otherwise. */
function view(ill: {
  axonPort?: undefined;
  engine?: Partial<EngineStatus>;
  chain?: Partial<ChainStatus>;
  signersKnown?: false;
  clockWarning?: string;
  hostWarnings?: string[];
  trustsFromInMs?: number;
  lastVerifiedAgeMs?: number;
}): ReadinessView {
  const engine: Partial<EngineStatus> = {
    state: 'ready',
    missingFiles: [],
    recentRestarts: 0,
    ...ill.engine,
  };
  const status = {
    connection: { state: 'connected' },
    signers: { known: true, count: 1, ageMs: null },
    registration: { state: 'registered', uid: 1 },
    announcement: ANNOUNCED,
    announcedForMs: 0,
    heldAddress: null,
    weightsVersion: readWeightsVersion(303_010),
    ...ill.chain,
  };
  return {
    axonPort: 'axonPort' in ill ? undefined : 8091,
    engines: { image: { state: engine.state, status: () => engine } as unknown as Engine },
    chain: { signersKnown: ill.signersKnown ?? true, status: () => status } as unknown as Chain,
    replayGuard: { trustsFromMs: NOW_MS + (ill.trustsFromInMs ?? 0) },
    requests: {
      summary: () => ({
        total: 0,
        byCode: {},
        lastVerifiedAtMs: undefined,
        lastVerifiedAgeMs: ill.lastVerifiedAgeMs,
        recent: [],
      }),
    },
    hostCheck: { warnings: ill.hostWarnings ?? [] },
    clock: { now: () => NOW_MS },
    clockCheck: {
      status: () => ({
        offsetMs: null,
        isOff: false,
        chainOffsetMs: null,
        callers: null,
        warning: ill.clockWarning ?? null,
      }),
    },
  };
}

describe('a miner', () => {
  it('a miner whose chain is away, and was never read, says where it looks', () => {
    expect(readinessOf(view({ signersKnown: false, chain: { connection: AWAY } })).reasons).toContain(
      'the chain is away: ws://127.0.0.1: refused',
    );
  });

  it('a miner whose chain is away, and was read not long ago, stays ready and says how old its signer table is', () => {
    const signers = { known: true, count: 1, ageMs: 3 * 60_000 };
    expect(readinessOf(view({ chain: { connection: AWAY, signers } }))).toEqual({
      ready: true,
      reasons: [],
      warnings: ['the chain is away: ws://127.0.0.1: refused; the signer table of 3 minutes ago is used'],
    });
  });

  it('a miner with a fault of its clock or host stays ready and says so', () => {
    const ill = view({ clockWarning: 'the clock is slow', hostWarnings: ['the disk is full'] });
    expect(readinessOf(ill)).toEqual({
      ready: true,
      reasons: [],
      warnings: ['the disk is full', 'the clock is slow'],
    });
  });

  it('a miner whose model process is replaced often stays ready and says so', () => {
    const engine = { recentRestarts: 3, lastError: 'the model process was killed by SIGKILL' };
    expect(readinessOf(view({ engine })).warnings).toEqual([
      'the process of the image model was replaced 3 times in the last hour; the last time the model process was killed by SIGKILL',
    ]);
    expect(readinessOf(view({ engine: { ...engine, recentRestarts: 2 } })).warnings).toEqual([]);
  });

  it('a miner whose subnet says that its validators do not ask axons stays ready and says so', () => {
    const { ready, warnings } = readinessOf(view({ chain: { weightsVersion: readWeightsVersion(409_090) } }));
    expect(ready).toBe(true);
    expect(warnings).toEqual([expect.stringContaining('validators run 4.9.9 or later')]);
  });

  it('a miner that is announced and hears nothing for 150 minutes says how to test the port, and who validates', () => {
    const old = { announcedForMs: 150 * 60_000 };
    expect(readinessOf(view({ chain: old }))).toEqual({
      ready: true,
      reasons: [],
      warnings: [
        'no validator has called for 3 hours, and 8.8.8.8:8091 is announced; test the port from another host: ' +
          "curl 8.8.8.8:8091 prints 200; the subnet's weights_version is 303010: validators run 3.3.1 or later; " +
          'releases before 4.0.0 send pictures and clips to axons',
      ],
    });
    expect(readinessOf(view({ chain: old, lastVerifiedAgeMs: 149 * 60_000 })).warnings).toEqual([]);
    const fresh = { announcedForMs: 149 * 60_000 };
    expect(readinessOf(view({ chain: fresh, lastVerifiedAgeMs: 200 * 60_000 })).warnings).toEqual([]);
  });

  it('a miner whose address other software announced can be found, and says why the entry is not its own', () => {
    const announcement: Announcement = { state: 'waiting', reason: 'too soon', untilBlock: 9 };
    expect(readinessOf(view({ chain: { announcement, heldAddress: { ...HELD, leadsHere: true } } }))).toEqual(
      {
        ready: true,
        reasons: [],
        warnings: [
          'other software announced this address with this hotkey: too soon; the next try is at block 9',
        ],
      },
    );
  });

  it('a miner whose own entry could not be read again is announced all the same, and no other software is blamed', () => {
    const failed = { code: 'CHAIN_CALL_FAILED', reason: 'the node did not answer', retryAtMs: 0 } as const;
    const heldAddress = { ...HELD, leadsHere: true, isForeign: false };
    const ways: [Announcement, string][] = [
      [{ state: 'waiting', reason: 'the chain is away' }, 'could not be read again: the chain is away'],
      [
        { state: 'failed', ...failed },
        'could not be read again: the node did not answer (CHAIN_CALL_FAILED); the next try is at 1970-01-01T00:00:00.000Z',
      ],
      [{ state: 'submitted' }, 'will be announced again: the announcement is on its way'],
    ];
    for (const [announcement, words] of ways) {
      expect(readinessOf(view({ chain: { announcement, heldAddress } }))).toEqual({
        ready: true,
        reasons: [],
        warnings: [`203.0.113.9:8091 is announced, and ${words}`],
      });
    }
  });

  it('a miner that loads its models does not claim to look its address up', () => {
    const engine = { state: 'warming' } as const;
    expect(readinessOf(view({ engine, chain: { announcement: { state: 'idle' } } })).reasons).toEqual([
      'the image model is warming',
      'the axon is not announced: the announcement waits for the models',
    ]);
  });

  it('a miner whose model on disk was refused, or is not there any more, stays ready with the one it has and says so', () => {
    const lastReload = {
      at: '2026-11-22T17:00:00.000Z',
      reason: 'SIGHUP',
      result: 'refused',
      code: 'MODEL_INVALID',
      detail: 'model.json is not JSON',
    } as const;
    expect(readinessOf(view({ engine: { lastReload, missingFiles: ['models/a/model.onnx'] } }))).toEqual({
      ready: true,
      reasons: [],
      warnings: [
        'the image model on disk was refused at 2026-11-22T17:00:00.000Z: model.json is not JSON',
        'the image model could not be loaded again: models/a/model.onnx missing',
      ],
    });
  });

  it('a miner is ready when it listens, is warm and registered, and knows the validators', () => {
    expect(readinessOf(view({}))).toEqual({ ready: true, reasons: [], warnings: [] });
  });

  it.each<[string, Parameters<typeof view>[0], string]>([
    [
      'is not announced yet',
      { chain: { announcement: { state: 'idle' } } },
      'the axon is not announced: the address of this host is being looked up',
    ],
    [
      'has not read what the chain holds',
      { chain: { announcement: { state: 'idle' }, heldAddress: 'unread' } },
      'the address that the chain holds for this hotkey was not read yet: the address of this host is being looked up',
    ],
    [
      'announced an address before, and does not know whether it is still its own',
      {
        chain: {
          heldAddress: { ...HELD, isForeign: false, leadsHere: null },
          announcement: {
            state: 'failed',
            code: 'CHAIN_NO_EXTERNAL_IP',
            reason: 'no source told the address of this host',
            retryAtMs: 0,
          },
        },
      },
      'this miner announced 203.0.113.9:8091 before, and its present address is not known: no source told the address of this host (CHAIN_NO_EXTERNAL_IP); the next try is at 1970-01-01T00:00:00.000Z',
    ],
    [
      'waits for its announcement',
      { chain: { announcement: { state: 'submitted' } } },
      'the axon is not announced: the announcement is on its way',
    ],
    [
      'the chain refuses to announce',
      {
        chain: {
          announcement: {
            state: 'failed',
            code: 'CHAIN_ANNOUNCE_REFUSED',
            refusal: 'InvalidIpAddress',
            reason: 'the chain does not accept this IP address',
            retryAtMs: 0,
          },
        },
      },
      'the axon is not announced: the chain does not accept this IP address (InvalidIpAddress); the next try is at 1970-01-01T00:00:00.000Z',
    ],
    [
      'knows no address to announce',
      {
        chain: {
          announcement: {
            state: 'failed',
            code: 'CHAIN_NO_EXTERNAL_IP',
            reason: 'no source told the address of this host',
            retryAtMs: 0,
          },
        },
      },
      'the axon is not announced: no source told the address of this host (CHAIN_NO_EXTERNAL_IP); the next try is at 1970-01-01T00:00:00.000Z',
    ],
    [
      'validators look for at the address of another host',
      {
        chain: {
          heldAddress: HELD,
          announcement: {
            state: 'waiting',
            reason: 'the address was announced only a short time ago',
            refusal: 'ServingRateLimitExceeded',
            untilBlock: 55,
          },
        },
      },
      '203.0.113.9:8091 was announced with this hotkey, not by this miner: the address was announced only a short time ago (ServingRateLimitExceeded); the next try is at block 55',
    ],
    [
      'validators look for at its former address',
      { chain: { heldAddress: { ...HELD, isForeign: false }, announcement: { state: 'submitted' } } },
      'the chain still holds the former address 203.0.113.9:8091: the announcement is on its way',
    ],
    ['does not listen', { axonPort: undefined }, 'the axon does not listen'],
    ['is loading its model', { engine: { state: 'warming' } }, 'the image model is warming'],
    [
      'cannot use its model',
      { engine: { state: 'failed', lastError: 'out of memory' } },
      'the image model is failed: out of memory',
    ],
    [
      'has not read the validators',
      { signersKnown: false },
      'the signer table has not been read from the chain',
    ],
    [
      'could not read the validators for a day',
      { signersKnown: false, chain: { signers: { known: false, count: 1, ageMs: 25 * 3_600_000 } } },
      'the signer table is 25 hours old, more than SIGNERS_MAX_AGE_HOURS',
    ],
    [
      'is not registered',
      { chain: { registration: { state: 'unregistered', burnTao: 1 } } },
      'the hotkey is not registered on the subnet',
    ],
    [
      'was deregistered',
      {
        chain: {
          registration: { state: 'deregistered', formerUid: 1, takenBy: null, burnTao: 1 },
        },
      },
      'the hotkey was deregistered: its uid 1 is no longer its own',
    ],
    [
      'does not know whether it is registered',
      { chain: { registration: { state: 'unknown' } } },
      'the registration of the hotkey was not read yet',
    ],
    [
      'has forgotten what it served',
      { trustsFromInMs: 1 },
      'the memory of served requests was lost; requests are refused until they cannot be replays',
    ],
  ])('a miner that %s is not ready, and says so', (_what, ill, reason) => {
    expect(readinessOf(view(ill))).toEqual({ ready: false, reasons: [reason], warnings: [] });
  });
});
