/** Announces the axon's address on chain, and keeps it announced. Owned by chain.ts. */

import type { KeyringPair } from '@polkadot/keyring/types';
import type { Clock } from '../clock.ts';
import { asMinerError, type ErrorCode, MinerError } from '../errors.ts';
import { integerToIp, reservedMeaning } from '../net/ipv4.ts';
import type { Logger } from '../telemetry/logger.ts';
import {
  type AddressProblem,
  type Announcement,
  type HeldAddress,
  isSameAnnouncement,
} from './announcement.ts';
import { type AxonAddress, type AxonCall, axonCall, holds, leadsTo } from './axon-call.ts';
import type { ForeignEntries } from './foreign-entries.ts';
import type { ChainSession } from './link/session.ts';
import type { AxonEntry, SubtensorReader } from './reader.ts';
import type { Registration } from './registration.ts';
import { parsePoolRefusal, refusalNamed, type ServeAxonRefusal } from './serve-axon-refusals.ts';
import { createSingleFlight } from './single-flight.ts';
import { type Inclusion, readDispatchError, submitServeAxon } from './submit-serve-axon.ts';

export interface Announcer {
  readonly current: Announcement;
  /** The axon entry on chain; null if there is none. */
  readonly held: HeldAddress | 'unread' | null;
  /**
   * How long the chain has held the announced address, as far as this process knows, in milliseconds; undefined while
   * nothing is announced.
   */
  readonly announcedForMs: number | undefined;
  /** Sets the address to announce. */
  want(address: AxonAddress): void;
  /** Reports why no address was found. An earlier address stays in use. */
  lackAddress(problem: AddressProblem): void;
  /** Compares the chain with the address again, because something may have changed. */
  check(): void;
  /** Like `check`, but forgets earlier failures: for a new connection or a new registration. */
  startOver(): void;
  /** Ends a wait for a block or for finality. */
  onHead(block: number): void;
  /** Ends the retries. Resolves when nothing is in progress. */
  close(): Promise<void>;
}

/** One session, and the reader that uses it. */
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
  /** Whether validators reach the axon over the internet. If so, a reserved address is never signed. */
  readonly isPublicNetwork: boolean;
  readonly foreignEntries: ForeignEntries;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onChange: (announcement: Announcement) => void;
}

/** Five blocks of a real chain. */
const INCLUSION_TIMEOUT_MS = 60_000;
const RETRY_FIRST_MS = 3_000;
const RETRY_LONGEST_MS = 300_000;

/** Keeps the `Axons` entry of the hotkey equal to the wanted address. A failure is a state, not an exception. */
export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { netuid, pair, link, registration, isPublicNetwork, foreignEntries, logger, clock, onChange } =
    options;
  let current: Announcement = { state: 'idle' };
  let held: HeldAddress | 'unread' | null = 'unread';
  /** The last announced address, and the monotonic time at which the chain was first seen to hold it. */
  let seen: (AxonAddress & { readonly atMs: number }) | undefined;
  let wanted: AxonAddress | undefined;
  /** Whether an announcement was submitted and its effect is not known yet. */
  let isOnItsWay = false;
  let failures = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function set(next: Announcement): void {
    if (closed || isSameAnnouncement(current, next)) return;
    current = next;
    onChange(next);
  }

  function setWaiting(
    reason: string,
    until: Omit<Extract<Announcement, { state: 'waiting' }>, 'state' | 'reason'> = {},
  ): void {
    set({ state: 'waiting', reason, ...until });
  }

  function retryIn(ms: number): void {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(() => flight.run(), ms);
  }

  /** An announced address stays announced; the connection has a state of its own. A new connection starts over. */
  function setAway(): void {
    if (current.state !== 'announced') setWaiting('the chain is away');
  }

  function nextRetryMs(): number {
    const retryMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** failures);
    failures += 1;
    return retryMs;
  }

  function setFailed(code: ErrorCode, reason: string, refusal?: string): void {
    if (closed) return;
    const retryMs = nextRetryMs();
    logger.warn({ code, refusal, reason, retryMs }, 'axon not announced');
    const retryAtMs = clock.now() + retryMs;
    set({ state: 'failed', code, reason, retryAtMs, ...(refusal === undefined ? {} : { refusal }) });
    retryIn(retryMs);
  }

  async function setAnnounced(
    { ip, port }: AxonAddress,
    entry: AxonEntry,
    reader: SubtensorReader,
  ): Promise<void> {
    failures = 0;
    const { block } = entry;
    foreignEntries.noteOwn(entry);
    // The block may have been missed. The pause after foreign changes counts from the last announcement.
    if (isOnItsWay) foreignEntries.noteAnnouncement();
    isOnItsWay = false;
    const before = current.state === 'announced' ? current : undefined;
    if (before === undefined) logger.info({ ip, port, block }, 'axon announced');
    if (seen?.ip !== ip || seen.port !== port) seen = { ip, port, atMs: clock.monotonic() };
    const isKnownFinal = before?.block === block && before.finalized;
    set({ state: 'announced', ip, port, block, finalized: isKnownFinal });
    // If the node refuses, it is asked again at the next block. The address is announced either way.
    if (!isKnownFinal && (await reader.isAxonFinal().catch(() => false))) {
      set({ state: 'announced', ip, port, block, finalized: true });
    }
  }

  const flight = createSingleFlight(
    async () => {
      clearTimeout(retryTimer);
      if (closed) return;
      const through = link();
      if (through === undefined) {
        if (wanted !== undefined) setAway();
        return;
      }
      const { state } = registration();
      if (state !== 'registered') {
        held = state === 'unknown' ? 'unread' : null;
        seen = undefined;
        if (wanted === undefined) return;
        setWaiting(
          state === 'unknown' ? 'the registration is not known yet' : 'the hotkey is not registered',
        );
        return;
      }
      // Validators call the entry on chain, whether or not this miner knows its own address.
      if (wanted === undefined) await readHeld(undefined, through.reader);
      else await announce(wanted, through);
    },
    (error) => {
      if (wanted === undefined) {
        // A new connection reads again anyway.
        if (link() !== undefined && !closed) retryIn(nextRetryMs());
        return;
      }
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
    const unreachable = isPublicNetwork ? reservedMeaning(address.ip) : undefined;
    if (unreachable !== undefined) {
      setFailed('CONFIG_INVALID', `${address.ip} is ${unreachable}: validators cannot reach it`);
      return;
    }
    // Any other state says more, and is kept until the entry on chain is read.
    if (current.state === 'idle') set({ state: 'checking' });
    const before = await readHeld(axon, reader);
    if (before !== undefined && holds(before, axon)) {
      await setAnnounced(address, before, reader);
      return;
    }
    if (before !== undefined && foreignEntries.noteOther(before)) {
      const { block } = before;
      logger.warn(
        { code: 'CHAIN_HOTKEY_CONTESTED', other: display(before), block },
        'another host announced its axon with this hotkey',
      );
    }
    const pausedForMs = foreignEntries.pausedUntilMs - clock.now();
    if (before !== undefined && pausedForMs > 0) {
      setPaused(before, foreignEntries.pausedUntilMs);
      retryIn(pausedForMs);
      return;
    }
    set({ state: 'submitted' });
    isOnItsWay = true;
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
      // If the pool gave no refusal, the transaction may still get into a block.
      if (refusal === undefined) throw error;
      isOnItsWay = false;
      await onRefusal(refusal, before, reader);
      return;
    }
    isOnItsWay = false;
    foreignEntries.noteAnnouncement();
    const after = await readHeld(axon, reader);
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

  /**
   * Reads the entry on chain, and sets `held`.
   * @param axon the wanted entry; undefined while the address of this host is unknown
   */
  async function readHeld(
    axon: AxonCall | undefined,
    reader: SubtensorReader,
  ): Promise<AxonEntry | undefined> {
    const entry = await reader.readAxon();
    held =
      entry === undefined
        ? null
        : {
            ip: integerToIp(entry.ip, entry.ipType),
            port: entry.port,
            block: entry.block,
            leadsHere: axon === undefined ? null : leadsTo(entry, axon),
            isForeign: !(axon !== undefined && holds(entry, axon)) && foreignEntries.isForeign(entry),
          };
    return entry;
  }

  /** Logs each pause once. */
  function setPaused(entry: AxonEntry, untilMs: number): void {
    const reason =
      'another miner uses the same hotkey; this one announces its address only once in six hours';
    if (current.state !== 'waiting' || current.untilMs !== untilMs) {
      const other = display(entry);
      logger.error({ code: 'CHAIN_HOTKEY_CONTESTED', other, untilMs, reason }, 'axon announcement waits');
    }
    setWaiting(reason, { untilMs });
  }

  async function onRefusal(
    { name, words }: ServeAxonRefusal,
    entry: AxonEntry | undefined,
    reader: SubtensorReader,
  ): Promise<void> {
    if (name === 'ServingRateLimitExceeded' && entry !== undefined) {
      const untilBlock = entry.block + (await reader.readServingRateLimitBlocks());
      logger.info({ untilBlock, refusal: name }, 'axon announcement waits');
      setWaiting(words, { untilBlock, refusal: name });
      return;
    }
    setFailed('CHAIN_ANNOUNCE_REFUSED', words, name);
  }

  return {
    get current() {
      return current;
    },
    get held() {
      return held;
    },
    get announcedForMs() {
      return current.state === 'announced' && seen !== undefined ? clock.monotonic() - seen.atMs : undefined;
    },
    lackAddress({ code, reason, retryAtMs }) {
      if (wanted === undefined) set({ state: 'failed', code, reason, retryAtMs });
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
      // Read again until it is final: another fork may win and not hold it.
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

function display({ ip, ipType, port }: AxonEntry): string {
  return `${integerToIp(ip, ipType)}:${port}`;
}
