/**
 * The miner's view of one subnet on the chain. It owns the parts of this folder, passes events between them, and tells
 * the rest of the miner. Owned by the miner.
 */

import { join } from 'node:path';
import type { KeyringPair } from '@polkadot/keyring/types';
import type { Clock } from '../clock.ts';
import { asMinerError, MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { AddressProblem, Announcement, HeldAddress } from './announcement.ts';
import { type AnnounceLink, createAnnouncer } from './announcer.ts';
import type { AxonAddress } from './axon-call.ts';
import { createEmitter } from './emitter.ts';
import { createForeignEntries } from './foreign-entries.ts';
import { createBlockClock } from './link/block-clock.ts';
import { type Connection, type ConnectionFailure, createNodeConnection } from './link/connection.ts';
import { createMetadataCache } from './link/metadata-cache.ts';
import { type ChainSession, openGenesisPin } from './link/session.ts';
import { createReader, type Neuron, type Watched } from './reader.ts';
import { createRegistrationWatch, type Registration } from './registration.ts';
import { createSignersFile, createSignerTable } from './signer-table.ts';
import { createWeightsVersionWatch, type ValidatorRelease } from './validator-release.ts';

/** The state of the chain link for an operator, as plain JSON. Ages are in milliseconds. */
export interface ChainStatus {
  readonly connection: Connection;
  readonly lastFailure: ConnectionFailure | null;
  readonly block: number | null;
  readonly blockAgeMs: number | null;
  readonly signers: { readonly known: boolean; readonly count: number; readonly ageMs: number | null };
  readonly registration: Registration;
  /** Blocks for which the uid is still safe; null while not registered. */
  readonly immunityLeftBlocks: number | null;
  /** The release that validators run, from the subnet's `weights_version`; null until it is read. */
  readonly weightsVersion: ValidatorRelease | null;
  readonly announcement: Announcement;
  /** How long the chain has held the announced address, as far as this process knows; null while none is announced. */
  readonly announcedForMs: number | null;
  /** The axon entry of the hotkey on chain; null if there is none. */
  readonly heldAddress: HeldAddress | 'unread' | null;
}

interface ChainEvents {
  readonly registration: Registration;
  readonly announcement: Announcement;
  readonly connection: Connection;
  /** The Unix time, in milliseconds, of a new block. */
  readonly blockTime: number;
}

/** Kept fresh in the background until `close`. */
export interface Chain {
  /** Begins to connect in the background; never throws. */
  start(): void;
  /** A neuron of the last good signer table, by its SS58 hotkey. */
  signer(hotkey: string): Neuron | undefined;
  /** Whether the signer table was read and is young enough. */
  readonly signersKnown: boolean;
  /**
   * Reads the signer table for an unknown caller. All callers share one reading; a table younger than 6 s is not read
   * again. Resolves after the reading or after `timeoutMs`, and at once while the chain is away. Never rejects.
   */
  refreshSigners(timeoutMs: number): Promise<void>;
  /** Sets the address of the axon. From then on the chain is kept equal to it. */
  announce(address: AxonAddress): void;
  /** Reports why no address was found; it shows in `announcement`. An earlier address stays announced. */
  lackAddress(problem: AddressProblem): void;
  readonly registration: Registration;
  readonly announcement: Announcement;
  /** How far our clock is ahead of the chain's (negative: behind), in milliseconds; undefined until blocks were seen. */
  readonly clockOffsetMs: number | undefined;
  status(): ChainStatus;
  /** Adds a listener; the returned function removes it. An error of a listener is logged and breaks nothing. */
  on<Name extends keyof ChainEvents>(name: Name, listener: (event: ChainEvents[Name]) => void): () => void;
  /** Ends everything. Resolves when no socket, timer or listener is left. */
  close(): Promise<void>;
}

interface ChainOptions {
  /** ws:// or wss:// addresses, tried in turn. At least one. */
  readonly endpoints: readonly string[];
  readonly netuid: number;
  readonly wallet: { readonly hotkeyAddress: string; readonly pair: KeyringPair };
  /**
   * The hash of the first block of the accepted chain, 0x-prefixed. If absent, the first chain that was used is
   * accepted.
   */
  readonly expectedGenesisHash?: string;
  /** The folder for state that must survive a restart. If absent, nothing is kept. */
  readonly stateDir?: string;
  /** Whether validators reach the axon over the internet. If so, a private or reserved address is never announced. */
  readonly isPublicNetwork: boolean;
  /** Chains that are never accepted: the reason, by genesis hash. */
  readonly refuseGenesis?: Readonly<Record<string, string>>;
  /**
   * The next endpoint is tried if no new block comes for this time, or if the newest block is older than this by its own
   * time.
   */
  readonly blockWatchdogMs?: number;
  /**
   * How far our clock is ahead of the clocks of verified callers (negative: behind), in milliseconds; undefined if too
   * few called. The age of a head is corrected by it.
   */
  readonly callersClockOffsetMs?: () => number | undefined;
  /** The highest age at which the signer table still counts. */
  readonly signersMaxAgeMs?: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

const BLOCK_WATCHDOG_MS = 60_000;
const SIGNERS_MAX_AGE_MS = 24 * 3_600_000;
/** Five minutes of a real chain. Stake moves slowly, and faster changes are watched. */
const REFRESH_EVERY_BLOCKS = 25;
const ON_DEMAND_INTERVAL_MS = 6_000;
const UNREADABLE_ANSWERS_LIMIT = 3;

export function createChain(options: ChainOptions): Chain {
  const { endpoints, netuid, wallet, logger, clock } = options;
  const { expectedGenesisHash, stateDir, refuseGenesis = {}, blockWatchdogMs = BLOCK_WATCHDOG_MS } = options;
  const { signersMaxAgeMs = SIGNERS_MAX_AGE_MS, callersClockOffsetMs = () => undefined } = options;
  const emitter = createEmitter<ChainEvents>(
    ['registration', 'announcement', 'connection', 'blockTime'],
    (error) => logger.error({ err: error }, 'chain listener failed'),
  );
  const blockClock = createBlockClock();
  let link: AnnounceLink | undefined;
  let refreshedAtBlock = 0;
  /** Count for this session. */
  let unreadableAnswers = 0;

  const folder = stateDir === undefined ? undefined : join(stateDir, 'chain');
  const pin = folder === undefined ? undefined : openGenesisPin({ folder, logger });
  const node = createNodeConnection({
    endpoints,
    genesis: { expected: expectedGenesisHash, refused: refuseGenesis, pin },
    metadataCache: createMetadataCache({ folder, logger }),
    blockWatchdogMs,
    callersClockOffsetMs,
    logger,
    clock,
    onConnection: (connection) => emitter.emit('connection', connection),
    onSession,
    onHead(block) {
      // After a switch of endpoints the block number may go back.
      if (Math.abs(block - refreshedAtBlock) >= REFRESH_EVERY_BLOCKS) refreshAll(block);
      announcer.onHead(block);
    },
  });

  const signersFile = folder === undefined ? undefined : createSignersFile({ folder, netuid, logger, clock });
  const saved = signersFile?.load(expectedGenesisHash ?? pin?.read()?.genesisHash);
  if (saved !== undefined) {
    const { block, ageMs } = saved;
    logger.info({ signers: saved.signers.size, block, ageMs }, 'signer table of an earlier run loaded');
  }
  const signers = createSignerTable({
    reader: () => link?.reader,
    minIntervalMs: ON_DEMAND_INTERVAL_MS,
    maxAgeMs: signersMaxAgeMs,
    saved,
    onRead(table) {
      const genesisHash = link?.session.genesisHash;
      if (genesisHash === undefined) return;
      signersFile?.save({ genesisHash, block: node.head?.block ?? 0, signers: table });
    },
    onUnreadable,
    logger,
    clock,
  });

  const registration = createRegistrationWatch({
    reader: () => link?.reader,
    formerUid: saved?.signers.get(wallet.hotkeyAddress)?.uid,
    logger,
    onChange(current) {
      emitter.emit('registration', current);
      announcer.startOver();
    },
    onUnreadable,
  });

  const weightsVersion = createWeightsVersionWatch({ reader: () => link?.reader, logger });

  const announcer = createAnnouncer({
    netuid,
    pair: wallet.pair,
    link: () => link,
    registration: () => registration.current,
    isPublicNetwork: options.isPublicNetwork,
    foreignEntries: createForeignEntries({ folder, logger, clock }),
    logger,
    clock,
    onChange: (announcement) => emitter.emit('announcement', announcement),
  });

  function onSession(session: ChainSession): void {
    const reader = createReader({ session, netuid, hotkey: wallet.hotkeyAddress });
    const { ended } = session.socket;
    link = { session, reader };
    unreadableAnswers = 0;
    ended.addEventListener('abort', () => {
      link = undefined;
    });
    // Watch first and read then, so that no change is missed.
    reader.watch({ onChange: onWatched, onBlockTime }).then(
      () => {
        refreshAll(node.head?.block ?? 0);
        announcer.startOver();
      },
      (error) => session.socket.end(asMinerError(error, 'CHAIN_CALL_FAILED')),
    );
  }

  /** Reads again at the next block. After three unreadable answers the next endpoint is tried. */
  function onUnreadable(): void {
    unreadableAnswers += 1;
    refreshedAtBlock = Number.NEGATIVE_INFINITY;
    if (unreadableAnswers < UNREADABLE_ANSWERS_LIMIT) return;
    const message = `the endpoint gave ${unreadableAnswers} answers that cannot be read`;
    link?.session.distrust(new MinerError('CHAIN_ENDPOINT_UNTRUSTED', message));
  }

  function refreshAll(block: number): void {
    refreshedAtBlock = block;
    registration.refresh();
    signers.refresh();
    weightsVersion.refresh();
  }

  function onBlockTime(timestampMs: number): void {
    blockClock.learn(timestampMs, clock.now());
    emitter.emit('blockTime', timestampMs);
  }

  function onWatched(what: Watched): void {
    if (what === 'axon') announcer.check();
    if (what === 'registration') registration.refresh();
    if (what === 'registration' || what === 'neurons') signers.refresh();
  }

  return {
    start: () => node.start(),
    signer: (hotkey) => signers.get(hotkey),
    get signersKnown() {
      return signers.known;
    },
    refreshSigners: (timeoutMs) => signers.refreshFor(timeoutMs),
    announce: (address) => announcer.want(address),
    lackAddress: (problem) => announcer.lackAddress(problem),
    get registration() {
      return registration.current;
    },
    get announcement() {
      return announcer.current;
    },
    get clockOffsetMs() {
      return blockClock.offsetMs;
    },

    status() {
      const { connection, lastFailure, head } = node;
      return {
        connection,
        lastFailure: lastFailure ?? null,
        block: head?.block ?? null,
        blockAgeMs: head === undefined ? null : clock.monotonic() - head.seenAtMs,
        signers: { known: signers.known, count: signers.size, ageMs: signers.ageMs ?? null },
        registration: registration.current,
        immunityLeftBlocks: immunityLeft(registration.current, head?.block),
        weightsVersion: weightsVersion.current ?? null,
        announcement: announcer.current,
        announcedForMs: announcer.announcedForMs ?? null,
        heldAddress: announcer.held,
      };
    },

    on: (name, listener) => emitter.on(name, listener),

    async close() {
      const quiet = announcer.close();
      await node.close();
      await quiet;
      emitter.removeAll();
    },
  };
}

function immunityLeft(registration: Registration, block: number | undefined): number | null {
  if (registration.state !== 'registered' || registration.immuneUntilBlock === null) return null;
  return block === undefined ? null : Math.max(0, registration.immuneUntilBlock - block);
}
