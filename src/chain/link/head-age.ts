/** Refuses a node whose newest block is old by the time that its author wrote into it. Owned by the connection. */

import { hexToU8a } from '@polkadot/util';
import type { Clock } from '../../clock.ts';
import { MinerError } from '../../errors.ts';
import { timeWords } from '../../telemetry/time-words.ts';

/** The storage key of the time of the newest block: twox128 of `Timestamp`, then of `Now`. The same in every runtime. */
export const BLOCK_TIME_KEY = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';

/** The reason to leave a node whose newest block was made at `timestampMs` (Unix time); undefined if there is none. */
export type HeadJudge = (timestampMs: number) => MinerError | undefined;

interface HeadJudgeOptions {
  /** The highest age of a head that is accepted, in milliseconds. */
  readonly limitMs: number;
  readonly clock: Pick<Clock, 'now'>;
  /** How far our clock is ahead of the clocks of verified callers (negative: behind); undefined if too few called. */
  readonly callersClockOffsetMs: () => number | undefined;
}

/** A judge of heads. Its refusals are CHAIN_NODE_BEHIND. */
export function createHeadJudge({ limitMs, clock, callersClockOffsetMs }: HeadJudgeOptions): HeadJudge {
  return (timestampMs) => {
    const nowMs = clock.now();
    const offsetMs = callersClockOffsetMs();
    // The offset only lowers the age: one that was learnt before our clock was set forward must not make good heads old.
    const ageMs = nowMs - Math.max(0, offsetMs ?? 0) - timestampMs;
    if (ageMs <= limitMs) return undefined;
    const doubt = offsetMs === undefined ? ', or the clock of this host is fast' : '';
    const times = `newest block ${utc(timestampMs)}, clock of this host ${utc(nowMs)}`;
    return new MinerError('CHAIN_NODE_BEHIND', `the node is ${timeWords(ageMs)} behind${doubt} (${times})`);
  };
}

/**
 * The time of a block in Unix milliseconds. The chain stores it as a SCALE `u64`.
 * @throws MinerError CHAIN_ENDPOINT_UNTRUSTED
 */
export function decodeBlockTime(hex: string): number {
  if (!/^0x[0-9a-f]{16}$/i.test(hex)) {
    throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', 'the time of the block is not a u64');
  }
  const value = hexToU8a(hex);
  return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
}

/** `2026-11-25T03:00:00Z`. A node may send a time that no calendar has; that is shown as a number. */
function utc(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString().replace(/\.\d+Z$/, 'Z');
}
