import type { KeyringPair } from '@polkadot/keyring/types';
import type { Clock } from '../clock.ts';
import { asMinerError, type ErrorCode, MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { ipv4ToInteger } from '../net/ipv4.ts';
import { parsePoolRefusal, type Refusal, refusalNamed } from './refusals.ts';
import type { Registration } from './registration.ts';
import type { ChainSession } from './session.ts';
import { createSingleFlight } from './single-flight.ts';
import { type AxonCall, type Inclusion, readDispatchError, submitServeAxon } from './submit.ts';
import type { AxonEntry, SubtensorReader } from './subtensor-reader.ts';

/** Where validators shall reach the axon; `ip` is an IPv4 address. */
export interface AxonAddress {
  readonly ip: string;
  readonly port: number;
}

/** How the announcement of the axon's address stands. */
export type Announcement =
  | { readonly state: 'idle' }
  | { readonly state: 'checking' }
  | { readonly state: 'submitted' }
  /** The chain holds the address since `block`; `finalized`: and no fork can undo that. */
  | {
      readonly state: 'announced';
      readonly ip: string;
      readonly port: number;
      readonly block: number;
      readonly finalized: boolean;
    }
  | { readonly state: 'waiting'; readonly reason: string; readonly untilBlock?: number }
  /** `refusal` is the chain's own name for the rule that was broken; `retryAtMs` is Unix time. */
  | {
      readonly state: 'failed';
      readonly code: ErrorCode;
      readonly refusal?: string;
      readonly reason: string;
      readonly retryAtMs: number;
    };

export interface Announcer {
  readonly current: Announcement;
  /** Sets the address that the chain shall hold from now on. */
  want(address: AxonAddress): void;
  /** Makes sure, again, that the chain holds the address; for whenever something may have changed. */
  check(): void;
  /** As `check`, and forgets earlier failures: for a new connection or a new registration. */
  startOver(): void;
  /** Lets a wait for a block, or for finality, end. */
  onHead(block: number): void;
  /** Ends the retries; resolves when nothing is in progress any more. */
  close(): Promise<void>;
}

/** What the announcement goes through. */
export interface AnnounceLink {
  readonly session: ChainSession;
  readonly reader: SubtensorReader;
}

interface AnnouncerOptions {
  readonly netuid: number;
  readonly pair: KeyringPair;
  /** Undefined while the chain is away. */
  readonly link: () => AnnounceLink | undefined;
  readonly registration: () => Registration;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onChange: (announcement: Announcement) => void;
}

/** What validators read of the protocol a miner speaks; part of the announced entry. */
export const AXON_VERSION = 9_003_000;
const AXON_PROTOCOL = 4;
const IP_TYPE_V4 = 4;

/** Five blocks of a real chain. */
const INCLUSION_TIMEOUT_MS = 60_000;
const RETRY_FIRST_MS = 3_000;
const RETRY_LONGEST_MS = 300_000;

/** Keeps the chain's `Axons` entry of the hotkey equal to the wanted address. A failure is a state, never an exception. */
export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { netuid, pair, link, registration, logger, clock, onChange } = options;
  let current: Announcement = { state: 'idle' };
  let wanted: AxonAddress | undefined;
  let failures = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function set(next: Announcement): void {
    if (closed || isSame(current, next)) return;
    current = next;
    onChange(next);
  }

  function setWaiting(reason: string, untilBlock?: number): void {
    set({ state: 'waiting', reason, ...(untilBlock === undefined ? {} : { untilBlock }) });
  }

  /** A new connection starts over. What was announced stays announced: the connection tells of its own state. */
  function setAway(): void {
    if (current.state !== 'announced') setWaiting('the chain is away');
  }

  function setFailed(code: ErrorCode, reason: string, refusal?: string): void {
    if (closed) return;
    const retryMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** failures);
    failures += 1;
    logger.warn({ code, refusal, reason, retryMs }, 'axon not announced');
    const retryAtMs = clock.now() + retryMs;
    set({ state: 'failed', code, reason, retryAtMs, ...(refusal === undefined ? {} : { refusal }) });
    retryTimer = setTimeout(() => flight.run(), retryMs);
  }

  async function setAnnounced(
    { ip, port }: AxonAddress,
    { block }: AxonEntry,
    reader: SubtensorReader,
  ): Promise<void> {
    failures = 0;
    if (current.state !== 'announced') logger.info({ ip, port, block }, 'axon announced');
    const isKnownFinal = current.state === 'announced' && current.block === block && current.finalized;
    set({ state: 'announced', ip, port, block, finalized: isKnownFinal });
    // A node that won't tell is asked again at the next block; the address is announced either way.
    if (!isKnownFinal && (await reader.isAxonFinal().catch(() => false))) {
      set({ state: 'announced', ip, port, block, finalized: true });
    }
  }

  const flight = createSingleFlight(
    async () => {
      clearTimeout(retryTimer);
      if (closed || wanted === undefined) return;
      const through = link();
      if (through === undefined) {
        setAway();
        return;
      }
      const { state } = registration();
      if (state !== 'registered') {
        setWaiting(
          state === 'unknown' ? 'the registration is not known yet' : 'the hotkey is not registered',
        );
        return;
      }
      await announce(wanted, through);
    },
    (error) => {
      if (link() === undefined) {
        setAway();
        return;
      }
      const { code, message } = asMinerError(error, 'CHAIN_CALL_FAILED');
      setFailed(code, message);
    },
  );

  async function announce(address: AxonAddress, { session, reader }: AnnounceLink): Promise<void> {
    const axon = axonCall(address);
    if (current.state !== 'announced') set({ state: 'checking' });
    const before = await reader.readAxon();
    if (before !== undefined && holds(before, axon)) {
      await setAnnounced(address, before, reader);
      return;
    }
    set({ state: 'submitted' });
    let inclusion: Inclusion;
    try {
      inclusion = await submitServeAxon({
        session,
        pair,
        netuid,
        axon,
        inclusionTimeoutMs: INCLUSION_TIMEOUT_MS,
      });
    } catch (error) {
      const refusal = parsePoolRefusal(error);
      if (refusal === undefined) throw error;
      await onRefusal(refusal, before, reader);
      return;
    }
    const after = await reader.readAxon();
    if (after !== undefined && holds(after, axon)) {
      await setAnnounced(address, after, reader);
      return;
    }
    const name = await readDispatchError(session, inclusion);
    if (name === undefined) {
      throw new MinerError('CHAIN_ANNOUNCE_REFUSED', 'the announcement is in a block and had no effect');
    }
    await onRefusal(refusalNamed(name), before, reader);
  }

  async function onRefusal(
    { name, words }: Refusal,
    entry: AxonEntry | undefined,
    reader: SubtensorReader,
  ): Promise<void> {
    if (name === 'ServingRateLimitExceeded' && entry !== undefined) {
      const untilBlock = entry.block + (await reader.readServingRateLimitBlocks());
      logger.info({ untilBlock, refusal: name }, 'axon announcement waits');
      setWaiting(words, untilBlock);
      return;
    }
    setFailed('CHAIN_ANNOUNCE_REFUSED', words, name);
  }

  return {
    get current() {
      return current;
    },
    want(address) {
      wanted = address;
      failures = 0;
      flight.run();
    },
    check() {
      flight.run();
    },
    startOver() {
      failures = 0;
      flight.run();
    },
    onHead(block) {
      // Read back until it is final: a fork that wins may not hold it.
      if (current.state === 'announced' && !current.finalized) flight.run();
      if (current.state !== 'waiting' || current.untilBlock === undefined) return;
      if (block >= current.untilBlock) flight.run();
    },
    async close() {
      closed = true;
      clearTimeout(retryTimer);
      await flight.current;
    },
  };
}

function axonCall({ ip, port }: AxonAddress): AxonCall {
  return {
    version: AXON_VERSION,
    ip: ipv4ToInteger(ip),
    port,
    ipType: IP_TYPE_V4,
    protocol: AXON_PROTOCOL,
    placeholder1: 0,
    placeholder2: 0,
  };
}

function holds(entry: AxonEntry, axon: AxonCall): boolean {
  return (
    entry.version === axon.version &&
    entry.ip === axon.ip &&
    entry.port === axon.port &&
    entry.ipType === axon.ipType &&
    entry.protocol === axon.protocol &&
    entry.placeholder1 === axon.placeholder1 &&
    entry.placeholder2 === axon.placeholder2
  );
}

function isSame(a: Announcement, b: Announcement): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
