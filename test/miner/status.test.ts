import { describe, expect, it } from 'vitest';
import type { Chain, ChainStatus } from '../../src/chain/chain.ts';
import type { Connection } from '../../src/chain/subtensor.ts';
import type { Engine, EngineStatus } from '../../src/inference/engine.ts';
import { readinessOf } from '../../src/miner/status.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';

type View = Parameters<typeof readinessOf>[0];

/** What readiness is judged by, all of it well unless the test says otherwise. */
function view(ill: {
  axonPort?: undefined;
  engine?: Partial<EngineStatus>;
  chain?: Partial<Chain>;
  connection?: Partial<Extract<Connection, { state: 'down' }>>;
  signers?: Partial<ChainStatus['signers']>;
  clockOffMs?: number;
  trustsFromInMs?: number;
}): View {
  const clock = createManualClock();
  const well = { state: 'ready', lastError: undefined, lastReload: undefined, missingFiles: [] };
  const engine = { status: () => ({ ...well, ...ill.engine }) };
  return {
    axonPort: 'axonPort' in ill ? undefined : 8091,
    engines: { image: engine as unknown as Engine },
    chain: {
      signersKnown: true,
      registration: { state: 'registered', uid: 1 },
      status: () => ({
        connection: ill.connection ?? { state: 'connected' },
        signers: { known: true, count: 1, ageMs: null, ...ill.signers },
      }),
      ...ill.chain,
    } as unknown as Chain,
    replayGuard: { trustsFromMs: clock.now() + (ill.trustsFromInMs ?? 0), remember: () => true, size: 0 },
    clock,
    clockCheck: {
      check: () => undefined,
      status: () => ({
        offsetMs: ill.clockOffMs ?? 0,
        isOff: 'clockOffMs' in ill,
        chainOffsetMs: null,
        callers: null,
        warning: null,
      }),
    },
  };
}

describe('a miner', () => {
  it('whose chain is away, and was never read, says where it looks', () => {
    const connection: Partial<Extract<Connection, { state: 'down' }>> = {
      state: 'down',
      endpoint: 'ws://127.0.0.1',
      reason: 'refused',
    };
    expect(readinessOf(view({ chain: { signersKnown: false }, connection })).reasons).toContain(
      'the chain is away: ws://127.0.0.1: refused',
    );
  });

  it('whose chain is away, and was read not long ago, stays ready and says by what it judges', () => {
    const connection: Partial<Extract<Connection, { state: 'down' }>> = {
      state: 'down',
      endpoint: 'ws://127.0.0.1',
      reason: 'refused',
    };
    expect(readinessOf(view({ connection, signers: { ageMs: 3 * 60_000 } }))).toEqual({
      ready: true,
      reasons: [],
      warnings: [
        'the chain is away: ws://127.0.0.1: refused; judging by the table of validators of 3 min ago',
      ],
    });
  });

  it('whose clock is off stays ready and says so', () => {
    expect(readinessOf(view({ clockOffMs: -3_500 })).warnings).toEqual([
      'the clock of this host is off by -3500 ms; set it by NTP',
    ]);
  });

  it('whose model on disk was refused, or is not there any more, stays ready with the one it has and says so', () => {
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

  it('is ready when it listens, is warm and registered, and knows the validators', () => {
    expect(readinessOf(view({}))).toEqual({ ready: true, reasons: [], warnings: [] });
  });

  it.each<[string, Parameters<typeof view>[0], string]>([
    ['does not listen', { axonPort: undefined }, 'the axon does not listen'],
    ['is loading its model', { engine: { state: 'warming' } }, 'the image model is warming'],
    [
      'cannot use its model',
      { engine: { state: 'failed', lastError: 'out of memory' } },
      'the image model is failed: out of memory',
    ],
    [
      'has not read the validators',
      { chain: { signersKnown: false } },
      'the table of validators has not been read from the chain',
    ],
    [
      'could not read the validators for a day',
      { chain: { signersKnown: false }, signers: { ageMs: 25 * 3_600_000 } },
      'the table of validators is 25 h old, more than SIGNERS_MAX_AGE_HOURS',
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
      'it is not known yet whether the hotkey is registered',
    ],
    [
      'has forgotten what it served',
      { trustsFromInMs: 1 },
      'the memory of served requests was lost; waiting it out',
    ],
  ])('that %s is not ready, and says so', (_what, ill, reason) => {
    expect(readinessOf(view(ill))).toEqual({ ready: false, reasons: [reason], warnings: [] });
  });
});
