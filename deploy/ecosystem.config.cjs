const { resolve } = require('node:path');

/**
 * How pm2 runs the miner; `node dist/main.js pm2 start` is its only caller and gives it the name and the extra flags.
 * There is no setting and no secret here: the miner reads its settings file by itself.
 */
const { SN34_PM2_NAME, SN34_PM2_FLAGS, SN34_HOTKEY, SN34_ADMIN_PORT, INSTANCE } = process.env;
const checkout = resolve(__dirname, '..');

module.exports = {
  apps: [
    {
      name: SN34_PM2_NAME,
      cwd: checkout,
      // The script becomes the miner, so pid and signals are the miner's. It looks for Node at each start: pm2 would
      // keep the path of a Node that an upgrade removes.
      script: resolve(checkout, 'start_miner.sh'),
      interpreter: 'none',
      args: ['--foreground', ...JSON.parse(SN34_PM2_FLAGS)],
      // Read again from pm2's list: what runs under this name, and where it can be asked how it is.
      env: { INSTANCE, SN34_HOTKEY, SN34_ADMIN_PORT },
      // Requests that were admitted are answered first; validators wait 11 seconds at most.
      kill_timeout: 20_000,
      // The signal is for the miner alone, which ends its children itself when their work is done.
      treekill: false,
      // Milliseconds; grows by half with each restart up to 15 seconds.
      exp_backoff_restart_delay: 1000,
      // What a restart does not mend: settings, wallet, not registered, model, port in use, wrong network, hotkey in
      // use. Because of the delay above, pm2 goes on showing such a process as `waiting restart`, without a pid.
      stop_exit_codes: [10, 11, 12, 13, 14, 15, 16],
      merge_logs: true,
      vizion: false,
    },
  ],
};
