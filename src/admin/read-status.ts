import { z } from 'zod';
import { printable } from '../printable.ts';

/** What is told of a running miner to a person at a terminal. */
export type MinerReport = z.output<typeof REPORT>;

const REQUEST = z.object({
  route: z.string(),
  arrivedAtMs: z.number(),
  status: z.number(),
  code: z.string(),
  validator: z.object({ hotkey: z.string(), uid: z.number() }),
});

/** Of the JSON that `minerStatus` makes, the part that is read here. */
const REPORT = z.object({
  readiness: z.object({
    ready: z.boolean(),
    reasons: z.array(z.string()),
    warnings: z.array(z.string()),
  }),
  miner: z.object({
    type: z.string(),
    hotkey: z.string(),
    network: z.string(),
    netuid: z.number(),
    pid: z.number(),
    uptimeSeconds: z.number(),
  }),
  axon: z.object({ port: z.number().optional() }),
  chain: z.object({
    registration: z.discriminatedUnion('state', [
      z.object({ state: z.literal('unknown') }),
      z.object({ state: z.literal('registered'), uid: z.number() }),
      z.object({ state: z.literal('unregistered'), burnTao: z.number() }),
      z.object({
        state: z.literal('deregistered'),
        formerUid: z.number(),
        takenBy: z.string().nullable(),
        burnTao: z.number(),
      }),
    ]),
    /** What the chain holds for the hotkey, whoever put it there. */
    heldAddress: z.object({ ip: z.string(), port: z.number(), leadsHere: z.boolean() }).nullable(),
  }),
  /** Which release validators run; null until it is known. */
  validators: z.object({ meaning: z.string() }).nullable(),
  models: z.record(z.string(), z.object({ state: z.string() })),
  requests: z.object({
    total: z.number(),
    byCode: z.record(z.string(), z.number()),
    recent: z.array(REQUEST),
  }),
});

const TIMEOUT_MS = 5_000;

/**
 * Asks the admin port of a miner on this host. Never rejects. Of what it tells, a terminal obeys nothing: names in models
 * come from those who made them, and words from nodes.
 * @returns undefined if no miner answers there
 */
export async function readStatus(port: number, signal: AbortSignal): Promise<MinerReport | undefined> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(`http://127.0.0.1:${port}/status`, { signal: limit });
    return REPORT.parse(JSON.parse(await response.text(), toPrintable));
  } catch {
    return undefined;
  }
}

function toPrintable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? printable(value) : value;
}
