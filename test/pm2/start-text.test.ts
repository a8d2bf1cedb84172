import { describe, expect, it } from 'vitest';
import type { MinerReport } from '../../src/admin/read-status.ts';
import { parseFlags } from '../../src/config/flags.ts';
import { loadSettings } from '../../src/config/load.ts';
import { resolveConfig } from '../../src/config/miner-config.ts';
import type { Outcome } from '../../src/pm2/await-ready.ts';
import { instanceNamed } from '../../src/pm2/instance.ts';
import { startText } from '../../src/pm2/start-text.ts';

const env = { NETWORK: 'local', CHAIN_ENDPOINT: 'ws://127.0.0.1:9944' };
const config = resolveConfig(loadSettings({ flags: parseFlags([]), env, file: undefined }), {
  dev: false,
  root: '/opt/miner',
});

const report = (changes: Partial<MinerReport> = {}): MinerReport => ({
  readiness: { ready: true, reasons: [], warnings: ['a warning'] },
  miner: { type: 'detector', hotkey: '5F', network: 'local', netuid: 34, pid: 1, uptimeSeconds: 1 },
  axon: { port: 8091 },
  chain: {
    registration: { state: 'registered', uid: 7 },
    heldAddress: { ip: '203.0.113.9', port: 8091, leadsHere: true },
  },
  validators: null,
  models: {},
  requests: { total: 0, byCode: {}, recent: [] },
  ...changes,
});

const tell = (outcome: Outcome, lastWords: string[] = []) =>
  startText(
    { hotkey: '5F', outcome, lastWords },
    { config, instance: instanceNamed('two'), pm2: '/opt/pm2', waitMs: 60_000 },
  );

describe('the text of a start', () => {
  it('names the hotkey, the address and the next commands if the miner is ready', () => {
    expect(tell({ kind: 'ready', report: report() })).toEqual({
      succeeded: true,
      lines: [
        'sn34-miner-two is ready: detector with the hotkey 5F, uid 7',
        'announced on the chain at 203.0.113.9:8091',
        '  warning: a warning',
        '  status  ./start_miner.sh --instance two status',
        '  logs    ./start_miner.sh --instance two logs',
        '  stop    ./start_miner.sh --instance two stop',
        '  keep it over a reboot: /opt/pm2 save, and once: /opt/pm2 startup',
      ],
    });
  });

  it('says what registering costs, and that nobody calls, if the miner is not registered', () => {
    const registration = { state: 'unregistered', burnTao: 0.5 } as const;
    const chain = { registration, heldAddress: null };
    const { succeeded, lines } = tell({ kind: 'unregistered', report: report({ chain }) });
    expect(succeeded).toBe(true);
    expect(lines[0]).toMatch(
      /^sn34-miner-two runs unregistered, so no validator calls it: hotkey 5F .* 0\.5 TAO/,
    );
  });

  it('says why the miner is not ready, and that it keeps trying', () => {
    const readiness = { ready: false, reasons: ['the chain is away'], warnings: [] };
    const { succeeded, lines } = tell({ kind: 'trying', report: report({ readiness }), restarts: 0 }, [
      'old',
    ]);
    expect(succeeded).toBe(false);
    expect(lines).toEqual([
      'sn34-miner-two runs; it is not ready after 60 s and keeps trying',
      '  reason: the chain is away',
      expect.stringContaining('./start_miner.sh --instance two status'),
    ]);
  });

  it('shows the last words of a miner that crashes again and again', () => {
    expect(tell({ kind: 'trying', report: undefined, restarts: 4 }, ['INTERNAL: a fault']).lines).toEqual([
      'sn34-miner-two has ended 4 times and was started again; it is not ready after 60 s and keeps trying',
      '  INTERNAL: a fault',
      expect.stringContaining('./start_miner.sh --instance two logs'),
    ]);
  });

  it('shows the exit code and the last words of a miner that has ended', () => {
    expect(tell({ kind: 'ended', exitCode: 14 }, ['AXON_PORT_IN_USE: port 8091', 'Stop it']).lines).toEqual([
      'sn34-miner-two ended with exit code 14 and is not started again',
      '  AXON_PORT_IN_USE: port 8091',
      '  Stop it',
      './start_miner.sh --instance two logs shows its log',
    ]);
  });
});
