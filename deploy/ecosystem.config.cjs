const { resolve } = require('node:path');

/**
 * How pm2 runs the miner. Only `node dist/main.js pm2 start` uses it, and gives it the name and the flags. It holds no
 * setting and no secret: the miner reads its settings file itself.
 */
const { SN34_PM2_NAME, SN34_PM2_FLAGS, SN34_HOTKEY, SN34_ADMIN_PORT, INSTANCE } = process.env;
const checkout = resolve(__dirname, '..');

module.exports = {
  apps: [
    {
      name: SN34_PM2_NAME,
      cwd: checkout,
      // The script becomes the miner, so pid and signals are those of the miner. It looks for Node at each start: pm2
      // would keep the path of a Node that an upgrade removes.
      script: resolve(checkout, 'start_miner.sh'),
      interpreter: 'none',
      args: ['--foreground', ...JSON.parse(SN34_PM2_FLAGS)],
      // pm2 keeps them in its list: the hotkey that runs under this name, and the admin port that shows its state.
      env: { INSTANCE, SN34_HOTKEY, SN34_ADMIN_PORT },
      // The miner first answers the requests that it has admitted; validators wait 11 seconds at most.
      kill_timeout: 20_000,
      // The signal goes to the miner alone. It ends its children itself when their work is done.
      treekill: false,
      // Milliseconds; grows by half with each restart up to 15 seconds.
      exp_backoff_restart_delay: 1000,
      // A restart does not help against these: settings, wallet, not registered, model, port in use, wrong network,
      // hotkey in use. Because of the delay above, pm2 shows such a process as `waiting restart`, without a pid.
      stop_exit_codes: [10, 11, 12, 13, 14, 15, 16],
      merge_logs: true,
      vizion: false,
    },
  ],
};
