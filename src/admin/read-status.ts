import { z } from 'zod';
import { printable } from '../printable.ts';

/** The status of a running miner, for a person at a terminal. */
export type MinerReport = z.output<typeof REPORT>;

const REQUEST = z.object({
  route: z.string(),
  arrivedAtMs: z.number(),
  status: z.number(),
  code: z.string(),
  validator: z.object({ hotkey: z.string(), uid: z.number() }),
});

/** The part of the JSON of `minerStatus` that is read here. */
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
    heldAddress: z
      .union([
        z.object({ ip: z.string(), port: z.number(), leadsHere: z.boolean().nullable() }),
        z.literal('unread'),
      ])
      .nullable(),
  }),
  /** The release that validators run; null until it is known. */
  validators: z.object({ meaning: z.string() }).nullable(),
  models: z.record(z.string(), z.object({ state: z.string() })),
  requests: z.object({
    total: z.number(),
    byCode: z.record(z.string(), z.number()),
    recent: z.array(REQUEST),
  }),
});

/** Which miner answers on an admin port. Older releases answer in the same form. */
export interface MinerIdentity {
  readonly pid: number;
  readonly hotkey: string;
  readonly adminPort: number;
}

const IDENTITY = z.object({ miner: z.object({ pid: z.number(), hotkey: z.string() }) });

const TIMEOUT_MS = 5_000;

/**
 * Asks the admin port of a miner on this host. Never rejects. Characters that a terminal obeys are replaced: names come
 * from the makers of models, and words from nodes.
 * @returns undefined if no miner answers there
 */
export async function readStatus(port: number, signal: AbortSignal): Promise<MinerReport | undefined> {
  return await ask(port, REPORT, signal);
}

/**
 * Asks a port of this host which miner answers there. Never rejects.
 * @returns undefined if none does
 */
export async function readIdentity(port: number, signal: AbortSignal): Promise<MinerIdentity | undefined> {
  const report = await ask(port, IDENTITY, signal);
  return report && { ...report.miner, adminPort: port };
}

async function ask<T>(port: number, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(`http://127.0.0.1:${port}/status`, { signal: limit });
    return schema.parse(JSON.parse(await response.text(), toPrintable));
  } catch {
    return undefined;
  }
}

function toPrintable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? printable(value) : value;
}
