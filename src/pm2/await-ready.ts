import { setTimeout as sleep } from 'node:timers/promises';
import { type MinerReport, readStatus } from '../admin/read-status.ts';
import type { Clock } from '../clock.ts';
import { LASTING_EXIT_CODES } from '../miner/exit-codes.ts';
import type { Pm2 } from './pm2.ts';
import { isBeingStarted, type Pm2Process } from './process-list.ts';

/** The state in which the wait for a started miner ended. */
export type Outcome =
  | { readonly kind: 'ready'; readonly report: MinerReport }
  /** It could answer requests, but its hotkey is not registered. */
  | { readonly kind: 'unregistered'; readonly report: MinerReport }
  /** It runs, or pm2 starts it again. `report` is undefined while its admin port does not answer. */
  | { readonly kind: 'trying'; readonly report: MinerReport | undefined; readonly restarts: number }
  /** It has ended, and pm2 does not start it again. */
  | { readonly kind: 'ended'; readonly exitCode: number | undefined };

interface AwaitOptions {
  readonly pm2: Pick<Pm2, 'list'>;
  /** The name under which it was started. */
  readonly name: string;
  readonly adminPort: number;
  /** Whether it keeps running if its hotkey is not registered. */
  readonly mayBeUnregistered: boolean;
  /** Milliseconds. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const LOOK_MS = 250;
/** A command of pm2 costs half a second of CPU time. */
const LOOK_AT_PM2_MS = 1_000;

/**
 * Waits until a miner that was just started under pm2 is ready, runs unregistered or has ended, for `waitMs` at most.
 * @throws MinerError PM2_FAILED; the signal's reason once it is aborted
 */
export async function awaitReady({
  pm2,
  name,
  adminPort,
  mayBeUnregistered,
  waitMs,
  clock,
  signal,
}: AwaitOptions): Promise<Outcome> {
  const until = clock.monotonic() + waitMs;
  let started: Pm2Process | undefined;
  for (;;) {
    signal.throwIfAborted();
    if (started?.pid === undefined || !isAlive(started.pid)) {
      started = (await pm2.list(signal)).find((one) => one.name === name);
      if (started === undefined) return { kind: 'ended', exitCode: undefined };
      if (hasEnded(started)) return { kind: 'ended', exitCode: started.exitCode };
    }
    const answer = await readStatus(adminPort, signal);
    // Another miner may answer on this port.
    const report = answer?.miner.pid === started.pid ? answer : undefined;
    if (report?.readiness.ready === true) return { kind: 'ready', report };
    if (mayBeUnregistered && report !== undefined && isUnregistered(report))
      return { kind: 'unregistered', report };
    if (clock.monotonic() >= until) return { kind: 'trying', report, restarts: started.restarts };
    await sleep(started.pid === undefined ? LOOK_AT_PM2_MS : LOOK_MS, undefined, { signal });
  }
}

function hasEnded(started: Pm2Process): boolean {
  const { pid, status, exitCode } = started;
  if (pid !== undefined || isBeingStarted(started)) return false;
  // pm2 also says `waiting restart` of a process that it leaves stopped because of its exit code.
  return status !== 'waiting restart' || (exitCode !== undefined && LASTING_EXIT_CODES.has(exitCode));
}

function isUnregistered({ chain, models, axon }: MinerReport): boolean {
  const { state } = chain.registration;
  return (
    (state === 'unregistered' || state === 'deregistered') &&
    axon.port !== undefined &&
    Object.values(models).every((model) => model.state === 'ready')
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
