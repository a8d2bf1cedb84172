import type { KeyringPair } from '@polkadot/keyring/types';
import type { Clock } from '../clock.ts';
import { asMinerError, type ErrorCode, MinerError } from '../errors.ts';
import { integerToIp, reservedMeaning } from '../net/ipv4.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type AxonAddress, type AxonCall, axonCall, holds, leadsTo } from './axon-call.ts';
import type { ForeignEntries } from './foreign-entries.ts';
import type { ChainSession } from './link/session.ts';
import type { AxonEntry, SubtensorReader } from './reader.ts';
import type { Registration } from './registration.ts';
import { parsePoolRefusal, refusalNamed, type ServeAxonRefusal } from './serve-axon-refusals.ts';
import { createSingleFlight } from './single-flight.ts';
import { type Inclusion, readDispatchError, submitServeAxon } from './submit-serve-axon.ts';

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
  /** `untilMs` is Unix time in milliseconds. */
  | {
      readonly state: 'waiting';
      readonly reason: string;
      readonly refusal?: string;
      readonly untilBlock?: number;
      readonly untilMs?: number;
    }
  /** `refusal` is the chain's own name for the rule that was broken; `retryAtMs` is Unix time. */
  | {
      readonly state: 'failed';
      readonly code: ErrorCode;
      readonly refusal?: string;
      readonly reason: string;
      readonly retryAtMs: number;
    };

/** What the chain holds as the axon of the hotkey, as last read. */
export interface HeldAddress {
  /** IPv4 or IPv6 address. */
  readonly ip: string;
  readonly port: number;
  readonly block: number;
  /** Whether validators that read it call this axon; null while the address of this host is not known. */
  readonly leadsHere: boolean | null;
  /** Whether something other than this miner announced it. */
  readonly isForeign: boolean;
}

/** Why there is no address that could be announced. */
export interface AddressProblem {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Unix time in milliseconds at which it is looked for again. */
  readonly retryAtMs: number;
}

export interface Announcer {
  readonly current: Announcement;
  /** Null if the chain holds none. */
  readonly held: HeldAddress | 'unread' | null;
  /**
   * For how long this process has known that the chain holds the announced address, in milliseconds; undefined while
   * nothing is announced.
   */
  readonly announcedForMs: number | undefined;
  /** Sets the address that the chain shall hold from now on. */
  want(address: AxonAddress): void;
  /** Says why no address was found; an address that was wanted before stays wanted. */
  lackAddress(problem: AddressProblem): void;
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
  /** Whether validators reach the axon over the internet: then no other address is ever signed. */
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

/** Keeps the chain's `Axons` entry of the hotkey equal to the wanted address. A failure is a state, never an exception. */
export function createAnnouncer(options: AnnouncerOptions): Announcer {
  const { netuid, pair, link, registration, isPublicNetwork, foreignEntries, logger, clock, onChange } =
    options;
  let current: Announcement = { state: 'idle' };
  let held: HeldAddress | 'unread' | null = 'unread';
  /** The address that was announced last, with the monotonic time at which the chain was first seen to hold it. */
  let seen: (AxonAddress & { readonly atMs: number }) | undefined;
  let wanted: AxonAddress | undefined;
  /** Whether an announcement was handed to the chain that was not yet seen to have an effect. */
  let isOnItsWay = false;
  let failures = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function set(next: Announcement): void {
    if (closed || isSame(current, next)) return;
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

  /** A new connection starts over. What was announced stays announced: the connection tells of its own state. */
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
    // Also if nobody saw it enter a block: the pause after a foreign change counts from the last announcement.
    if (isOnItsWay) foreignEntries.noteAnnouncement();
    isOnItsWay = false;
    const before = current.state === 'announced' ? current : undefined;
    if (before === undefined) logger.info({ ip, port, block }, 'axon announced');
    if (seen?.ip !== ip || seen.port !== port) seen = { ip, port, atMs: clock.monotonic() };
    const isKnownFinal = before?.block === block && before.finalized;
    set({ state: 'announced', ip, port, block, finalized: isKnownFinal });
    // A node that won't tell is asked again at the next block; the address is announced either way.
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
      // Validators call what the chain holds, whether or not this miner knows its own address.
      if (wanted === undefined) await readHeld(undefined, through.reader);
      else await announce(wanted, through);
    },
    (error) => {
      if (wanted === undefined) {
        // A new connection reads again by itself.
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
    // A state that says more is kept until it is known what the chain holds now.
    if (current.state === 'idle') set({ state: 'checking' });
    const before = await readHeld(axon, reader);
    if (before !== undefined && holds(before, axon)) {
      await setAnnounced(address, before, reader);
      return;
    }
    if (before !== undefined && foreignEntries.noteOther(before)) {
      const other = `${integerToIp(before.ip, before.ipType)}:${before.port}`;
      logger.warn(
        { code: 'CHAIN_HOTKEY_CONTESTED', other, block: before.block },
        'axon of another miner on chain',
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
      // Without the chain's word it may still get into a block.
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
   * Reads what the chain holds, and keeps it for `held`.
   * @param axon what it shall hold; undefined while the address of this host is not known
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

  /** Says so once for each pause. */
  function setPaused({ ip, ipType, port }: AxonEntry, untilMs: number): void {
    const reason =
      'another miner uses the same hotkey; this one announces its address only once in six hours';
    if (current.state !== 'waiting' || current.untilMs !== untilMs) {
      const other = `${integerToIp(ip, ipType)}:${port}`;
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

function isSame(a: Announcement, b: Announcement): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
