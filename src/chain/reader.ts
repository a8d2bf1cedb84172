/** Reads the chain through one session. Owned by chain.ts, which makes one reader for each session. */

import type { Codec } from '@polkadot/types/types';
import { z } from 'zod';
import { asMinerError, MinerError } from '../errors.ts';
import { printable } from '../printable.ts';
import { BLOCK_TIME_KEY, decodeBlockTime } from './link/head-age.ts';
import {
  bigintSchema,
  boundedArray,
  hotkeySchema,
  numberSchema,
  parse,
  taoSchema,
} from './link/node-answers.ts';
import type { ChainSession } from './link/session.ts';

/** Subnets of subtensor have up to 256 neurons. */
const NEURONS_LIMIT = 4_096;

/** A neuron of the subnet: what the stake check needs. Stake is in TAO, exact to about 0.001. */
export interface Neuron {
  readonly uid: number;
  readonly stakeTao: number;
  readonly permit: boolean;
}

/** By hotkey, an SS58 address. */
export type Neurons = ReadonlyMap<string, Neuron>;

/** An entry of the chain's `Axons`. `ip` is the address as an integer. */
export interface AxonEntry {
  readonly block: number;
  readonly version: number;
  readonly ip: bigint;
  readonly port: number;
  readonly ipType: number;
  readonly protocol: number;
  readonly placeholder1: number;
  readonly placeholder2: number;
}

/** The chain as plain values. Every call rejects with a `MinerError` if it fails. */
export interface SubtensorReader {
  /** The uid of the hotkey; undefined if it is not registered. */
  readUid(): Promise<number | undefined>;
  /** The block in which the neuron at `uid` was registered. */
  readRegistrationBlock(uid: number): Promise<number>;
  /** The hotkey that has the uid, an SS58 address; undefined if the subnet has no such uid. */
  readHotkey(uid: number): Promise<string | undefined>;
  /** Blocks after a registration in which the uid is safe; undefined if the runtime lacks it. */
  readImmunityPeriodBlocks(): Promise<number | undefined>;
  /** The incentive of each uid, 0 to 65535; empty if the runtime lacks it. */
  readIncentives(): Promise<readonly number[]>;
  /** The price of a registration now. */
  readBurnTao(): Promise<number>;
  /** The `weights_version` that the subnet's owner has set, 0 if none; undefined if the runtime lacks it. */
  readWeightsVersion(): Promise<number | undefined>;
  /** The axon entry of the hotkey. */
  readAxon(): Promise<AxonEntry | undefined>;
  /** Whether that entry is in a finalized block too, so that no fork can undo it. */
  isAxonFinal(): Promise<boolean>;
  /** Blocks that must pass between two announcements. */
  readServingRateLimitBlocks(): Promise<number>;
  readNeurons(): Promise<Neurons>;
  /**
   * Reports each change that matters to a miner, and the time of each block, until the session ends. A block that is too
   * old by its own time ends the session; nothing of it is reported.
   */
  watch(watcher: Watcher): Promise<void>;
}

/** `registration`: the uid of the hotkey. `axon`: its announced address. `neurons`: the neurons and their permits. */
export type Watched = 'registration' | 'axon' | 'neurons';

interface Watcher {
  readonly onChange: (what: Watched) => void;
  /** Unix time in milliseconds at which the author made a new block. Called when the block arrives. */
  readonly onBlockTime: (timestampMs: number) => void;
}

const WORDS_LIMIT_CHARS = 200;

/** Field numbers of the runtime's selective metagraph. */
const METAGRAPH_FIELDS = { hotkeys: 52, validatorPermit: 57, totalStake: 69 };

const uidSchema = z.number().int().nonnegative().max(65_535);

const axonSchema = z.object({
  block: numberSchema,
  version: numberSchema,
  ip: bigintSchema,
  port: numberSchema,
  ipType: numberSchema,
  protocol: numberSchema,
  placeholder1: numberSchema,
  placeholder2: numberSchema,
});

/** More than the number of watched keys. */
const CHANGES_LIMIT = 16;

const storageChangesSchema = z.object({
  changes: boundedArray(z.tuple([z.string(), z.string().nullable()]), CHANGES_LIMIT),
});

const neuronsSchema = z.object({
  hotkeys: boundedArray(hotkeySchema, NEURONS_LIMIT),
  validatorPermit: boundedArray(z.boolean(), NEURONS_LIMIT),
  totalStake: boundedArray(taoSchema, NEURONS_LIMIT),
});

interface ReaderOptions {
  readonly session: ChainSession;
  readonly netuid: number;
  /** SS58 address. */
  readonly hotkey: string;
}

export function createReader({ session, netuid, hotkey }: ReaderOptions): SubtensorReader {
  const { api, socket } = session;

  function storage(name: string) {
    const entry = api.query.subtensorModule?.[name];
    if (entry === undefined) throw missing(`the storage item ${name}`);
    return entry;
  }

  function has(name: string): boolean {
    return api.query.subtensorModule?.[name] !== undefined;
  }

  async function read(name: string, ...keys: unknown[]): Promise<unknown> {
    return await decoded(() => storage(name)(...keys));
  }

  /** If polkadot.js cannot decode an answer, the node is no subtensor, or it sent the wrong metadata. */
  async function decoded(call: () => Promise<Codec>): Promise<unknown> {
    try {
      return (await session.settled(call())).toJSON();
    } catch (error) {
      if (error instanceof MinerError) throw error;
      const words = printable(asMinerError(error, 'CHAIN_ENDPOINT_UNTRUSTED').message, WORDS_LIMIT_CHARS);
      throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', `unexpected answer: ${words}`);
    }
  }

  /** The stake that counts is the runtime's own total: it cannot be recomputed from storage. */
  async function readMetagraph(): Promise<unknown> {
    const calls = api.call.subnetInfoRuntimeApi;
    const selective = calls?.getSelectiveMetagraph;
    if (selective !== undefined) {
      return await decoded(() => selective(netuid, Object.values(METAGRAPH_FIELDS)));
    }
    const subnetState = calls?.getSubnetState;
    if (subnetState === undefined) throw missing('a metagraph call');
    return await decoded(() => subnetState(netuid));
  }

  return {
    async readUid() {
      return parse(uidSchema.nullable(), await read('uids', netuid, hotkey)) ?? undefined;
    },

    async readRegistrationBlock(uid) {
      return parse(numberSchema, await read('blockAtRegistration', netuid, uid));
    },

    async readHotkey(uid) {
      // The storage answers a default for a uid that does not exist.
      const neurons = parse(numberSchema, await read('subnetworkN', netuid));
      return uid < neurons ? parse(hotkeySchema, await read('keys', netuid, uid)) : undefined;
    },

    async readImmunityPeriodBlocks() {
      if (!has('immunityPeriod')) return undefined;
      return parse(numberSchema, await read('immunityPeriod', netuid));
    },

    async readIncentives() {
      return has('incentive')
        ? parse(boundedArray(numberSchema, NEURONS_LIMIT), await read('incentive', netuid))
        : [];
    },

    async readBurnTao() {
      return parse(taoSchema, await read('burn', netuid));
    },

    async readWeightsVersion() {
      if (!has('weightsVersionKey')) return undefined;
      return parse(numberSchema, await read('weightsVersionKey', netuid));
    },

    async readAxon() {
      return parse(axonSchema.nullable(), await read('axons', netuid, hotkey)) ?? undefined;
    },

    async isAxonFinal() {
      const key = storage('axons').key(netuid, hotkey);
      const finalized = await socket.request('chain_getFinalizedHead', []);
      const [latest, final] = await Promise.all([
        socket.request('state_getStorage', [key]),
        socket.request('state_getStorage', [key, finalized]),
      ]);
      return latest !== null && latest === final;
    },

    async readServingRateLimitBlocks() {
      return parse(numberSchema, await read('servingRateLimit', netuid));
    },

    async readNeurons() {
      const answer = await readMetagraph();
      if (answer === null) throw new MinerError('CHAIN_CALL_FAILED', `the chain has no subnet ${netuid}`);
      return toNeurons(answer);
    },

    async watch({ onChange, onBlockTime }) {
      const watched = new Map<string, Watched>([
        [storage('uids').key(netuid, hotkey), 'registration'],
        [storage('axons').key(netuid, hotkey), 'axon'],
        [storage('subnetworkN').key(netuid), 'neurons'],
        [storage('validatorPermit').key(netuid), 'neurons'],
      ]);
      const values = new Map<string, string | null>();
      // The first notification has the values of all keys; later ones have those that changed.
      const onUpdate = (result: unknown): void => {
        const { changes } = parse(storageChangesSchema, result);
        const time = changes.find(([key]) => key === BLOCK_TIME_KEY)?.[1] ?? null;
        if (time !== null) {
          const timestampMs = decodeBlockTime(time);
          if (!session.believes(timestampMs)) return;
          // The first value may belong to a block that arrived long ago.
          if (values.has(BLOCK_TIME_KEY)) onBlockTime(timestampMs);
        }
        const changed = new Set<Watched>();
        for (const [key, value] of changes) {
          const what = watched.get(key);
          if (what !== undefined && values.has(key) && values.get(key) !== value) changed.add(what);
          values.set(key, value);
        }
        for (const what of changed) onChange(what);
      };
      await socket.subscribe('state_subscribeStorage', [[...watched.keys(), BLOCK_TIME_KEY]], onUpdate);
    },
  };
}

function missing(what: string): MinerError {
  return new MinerError('CHAIN_CALL_FAILED', `the runtime of this chain lacks ${what}`);
}

/**
 * The neurons from the runtime's answer, which has a column for each field.
 * @throws MinerError CHAIN_ENDPOINT_UNTRUSTED
 */
export function toNeurons(answer: unknown): Neurons {
  const { hotkeys, validatorPermit, totalStake } = parse(neuronsSchema, answer);
  if (validatorPermit.length !== hotkeys.length || totalStake.length !== hotkeys.length) {
    throw new MinerError('CHAIN_ENDPOINT_UNTRUSTED', 'the columns of the metagraph differ in length');
  }
  return new Map(
    hotkeys.map((hotkey, uid) => [
      hotkey,
      { uid, stakeTao: totalStake[uid] ?? 0, permit: validatorPermit[uid] ?? false },
    ]),
  );
}
