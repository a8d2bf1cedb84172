import { writeFileSync } from 'node:fs';

/** Has a child process live and end as its parent says, however that ends. */
export function obeyParent(): void {
  // A terminal sends Ctrl-C, and pm2 its signal, to all processes at once: the parent ends its children itself, after
  // what was admitted is answered.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  process.on('SIGHUP', () => undefined);
  process.on('disconnect', () => process.exit());
  volunteerForOutOfMemory();
}

/** Where memory runs out, the kernel had better end the model, which is replaced, than the miner. */
function volunteerForOutOfMemory(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Not Linux, or not allowed: then the kernel chooses by itself.
  }
}
