// Preloaded into the miner: notes each turn of the main thread's event loop that takes long, as lines `unix-ms cpu-ms` in the
// file that TURNS_RECORD names.
import { appendFileSync, readFileSync } from 'node:fs';

const LONG_MS = 5;
const path = process.env.TURNS_RECORD;

/** CPU milliseconds of the main thread. */
const cpuMs = () => Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;

// The children of the miner inherit its environment.
if (path !== undefined && process.argv[1]?.endsWith('main.js')) {
  let before = cpuMs();
  const turn = () => {
    const now = cpuMs();
    if (now - before > LONG_MS) appendFileSync(path, `${Date.now()} ${(now - before).toFixed(1)}\n`);
    before = cpuMs();
    // It runs in every turn of the event loop, and causes none.
    setImmediate(turn).unref();
  };
  turn();
}
