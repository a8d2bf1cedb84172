// Preloaded into the miner under attack: keeps its highest resident memory and JavaScript heap, in bytes, in the file that
// MEMORY_RECORD names.
import { writeFileSync } from 'node:fs';

const EVERY_MS = 20;
const path = process.env.MEMORY_RECORD;
const highest = { rssBytes: 0, heapBytes: 0 };

// The children of the miner inherit its environment.
if (path !== undefined && process.argv[1]?.endsWith('main.js')) {
  setInterval(() => {
    const rssBytes = 1024 * process.resourceUsage().maxRSS;
    const { heapUsed } = process.memoryUsage();
    if (rssBytes <= highest.rssBytes && heapUsed <= highest.heapBytes) return;
    highest.rssBytes = rssBytes;
    highest.heapBytes = Math.max(highest.heapBytes, heapUsed);
    writeFileSync(path, JSON.stringify(highest));
  }, EVERY_MS).unref();
}
