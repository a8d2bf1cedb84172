const { resolve } = require('node:path');

/**
 * How pm2 runs the miner; `start_miner.sh` is its only caller and gives it the name and the extra flags. There is no
 * setting and no secret here: the miner reads .env.miner by itself.
 */
module.exports = {
  apps: [
    {
      name: process.env.SN34_PM2_NAME,
      cwd: resolve(__dirname, '..'),
      // Node itself is the program, so that what runs is the same as in the foreground: without the script that pm2
      // otherwise puts before an application.
      script: process.execPath,
      interpreter: 'none',
      args: ['dist/main.js', 'start', '--settings', '.env.miner', ...JSON.parse(process.env.SN34_PM2_FLAGS)],
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
