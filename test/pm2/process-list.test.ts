import { describe, expect, it } from 'vitest';
import { parseProcessList } from '../../src/pm2/process-list.ts';

/** An entry as pm2 7.0.4 prints it: its facts and the environment of the process side by side. */
const entry = (env: Record<string, unknown> = {}) => ({
  pid: 4711,
  name: 'sn34-miner',
  pm_id: 3,
  monit: { memory: 0, cpu: 0 },
  pm2_env: {
    status: 'online',
    pm_cwd: '/opt/miner',
    restart_time: 2,
    SN34_HOTKEY: '5F',
    SN34_ADMIN_PORT: '9091',
    INSTANCE: '',
    HOME: '/root',
    env: { HOME: '/root' },
    ...env,
  },
});
const parse = (...entries: unknown[]) => parseProcessList(`${JSON.stringify(entries)}\n`);

describe("pm2's list of processes", () => {
  it('is read with the values that start_miner.sh added', () => {
    expect(parse(entry())).toEqual([
      {
        id: 3,
        name: 'sn34-miner',
        pid: 4711,
        status: 'online',
        cwd: '/opt/miner',
        exitCode: undefined,
        restarts: 2,
        hotkey: '5F',
        adminPort: 9091,
      },
    ]);
  });

  it.each(['stopped', 'errored', 'waiting restart'])(
    'does not take the old pid of a process that is %s for a living one',
    (status) => {
      expect(parse(entry({ status, exit_code: 13 }))).toMatchObject([{ pid: undefined, exitCode: 13 }]);
    },
  );

  it('is read for processes that something else started', () => {
    expect(parse(entry({ SN34_HOTKEY: undefined, SN34_ADMIN_PORT: 'none' }))).toMatchObject([
      { hotkey: undefined, adminPort: undefined },
    ]);
  });

  it('is found after lines about pm2 itself', () => {
    const said = '[PM2] Spawning PM2 daemon with pm2_home=/root/.pm2\n[PM2] PM2 Successfully daemonized\n';
    expect(parseProcessList(`${said}[]\n`)).toEqual([]);
  });

  it.each(['', 'no list', '{}', '[{}]'])('is not read from %j', (output) => {
    expect(() => parseProcessList(output)).toThrow();
  });
});
