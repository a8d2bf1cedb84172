/**
 * Keeps one connection to one node of subtensor, and replaces it when it ends. Owned by chain.ts; owns the session.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { asMinerError, type ErrorCode, MinerError } from '../../errors.ts';
import { displayEndpoint } from '../../net/display-endpoint.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { timeWords } from '../../telemetry/time-words.ts';
import { untilAborted } from '../../until-aborted.ts';
import { createHeadJudge } from './head-age.ts';
import type { MetadataCache } from './metadata-cache.ts';
import type { HexString } from './node-answers.ts';
import { type ChainSession, type GenesisRules, openChainSession } from './session.ts';

/** The state of the connection. `endpoint` is the node's address without credentials, path or query. */
export type Connection =
  | { readonly state: 'idle' }
  | { readonly state: 'connecting'; readonly endpoint: string }
  | {
      readonly state: 'connected';
      readonly endpoint: string;
      readonly genesisHash: HexString;
      readonly specVersion: number;
    }
  | { readonly state: 'down'; readonly endpoint: string; readonly code: ErrorCode; readonly reason: string }
  | { readonly state: 'closed' };

/** Why the connection last ended or failed to open. `atMs` is Unix time. */
export interface ConnectionFailure {
  readonly endpoint: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly atMs: number;
}

/** The newest block, and when it arrived, on the monotonic clock. */
interface Head {
  readonly block: number;
  readonly seenAtMs: number;
}

export interface NodeConnection {
  /** Starts to connect in the background, until `close`. Never throws. */
  start(): void;
  readonly connection: Connection;
  readonly head: Head | undefined;
  readonly lastFailure: ConnectionFailure | undefined;
  /** Ends the connection. Resolves when nothing of it is left. */
  close(): Promise<void>;
}

interface NodeConnectionOptions {
  /** ws:// or wss:// addresses, tried in turn. At least one. */
  readonly endpoints: readonly string[];
  readonly genesis: GenesisRules;
  readonly metadataCache: MetadataCache;
  /**
   * The next endpoint is tried if no new block comes for this time, or if the newest block is older than this by its own
   * time.
   */
  readonly blockWatchdogMs: number;
  /** How far our clock is ahead of the clocks of verified callers, in milliseconds; undefined if too few called. */
  readonly callersClockOffsetMs: () => number | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Called at each change of state. */
  readonly onConnection: (connection: Connection) => void;
  /** Called with each new session. It can be used until its `socket.ended`. */
  readonly onSession: (session: ChainSession) => void;
  readonly onHead: (block: number) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
/** The largest answer, metadata of 0.7 MB, takes a while on a slow line. */
const CALL_TIMEOUT_MS = 20_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_LONGEST_MS = 15_000;
/** Each try of an untrusted endpoint may cost 1.4 MB of metadata. */
const RETRY_UNTRUSTED_LONGEST_MS = 300_000;

/**
 * Connects to one node at a time, and starts from scratch whenever that connection ends. After a failure the other
 * endpoints are tried at once. If all have failed, the next round waits: from 1 s up to 15 s, and up to 5 minutes if
 * the last endpoint was untrusted.
 */
export function createNodeConnection(options: NodeConnectionOptions): NodeConnection {
  const { endpoints, genesis, metadataCache, blockWatchdogMs, callersClockOffsetMs, logger, clock } = options;
  const { onConnection, onSession, onHead } = options;
  const judgeHead = createHeadJudge({ limitMs: blockWatchdogMs, clock, callersClockOffsetMs });
  const closing = new AbortController();
  let connection: Connection = { state: 'idle' };
  let session: ChainSession | undefined;
  let head: Head | undefined;
  let lastFailure: ConnectionFailure | undefined;
  /** The newest block at the start of a stall; undefined while blocks come. */
  let stalledAt: number | undefined;
  /** The error code last logged for each endpoint, since one of them worked. */
  const said = new Map<string, ErrorCode>();
  let loop: Promise<void> | undefined;

  function setConnection(next: Connection): void {
    connection = next;
    onConnection(next);
  }

  /** Logs a warning once for each endpoint and code; repetitions are debug lines. */
  function setDown(endpoint: string, { code, message }: MinerError): void {
    lastFailure = { endpoint, code, reason: message, atMs: clock.now() };
    const known = connection.state === 'down' && said.get(endpoint) === code;
    said.set(endpoint, code);
    if (known) logger.debug({ endpoint, code, reason: message }, 'chain still away');
    else logger.warn({ endpoint, code, reason: message }, 'chain away, trying again');
    const next: Connection = { state: 'down', endpoint, code, reason: message };
    if (known) connection = next;
    else setConnection(next);
  }

  async function live(url: string, onStable: () => void): Promise<MinerError> {
    const attempt = new AbortController();
    const stop = (): void => attempt.abort(new MinerError('CHAIN_UNREACHABLE', 'the miner is closing'));
    closing.signal.addEventListener('abort', stop, { once: true });
    let newest = -1;
    let opened: ChainSession | undefined;
    let onMoving: (() => void) | undefined;
    const moving = new Promise<void>((resolve) => {
      onMoving = resolve;
    });
    const watchdog = createWatchdog({
      limitMs: blockWatchdogMs,
      onExpire: () => {
        stalledAt ??= head?.block;
        const reason = new MinerError('CHAIN_UNREACHABLE', `no new block for ${timeWords(blockWatchdogMs)}`);
        if (opened === undefined) attempt.abort(reason);
        else opened.socket.end(reason);
      },
    });
    try {
      opened = await openChainSession({
        url,
        genesis,
        metadataCache,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        callTimeoutMs: CALL_TIMEOUT_MS,
        judgeHead,
        signal: attempt.signal,
        onHead: (block) => {
          // A repeated or older head is no sign of life.
          if (block <= newest) return;
          watchdog.touch();
          // A second block shows that the node works: one that drops the connection at once gives only the first.
          const moves = newest >= 0;
          if (moves) onStable();
          newest = block;
          // The first head of a connection may be an old block. It then leaves the age of the newest block unchanged.
          if (moves || head === undefined || block > head.block)
            head = { block, seenAtMs: clock.monotonic() };
          if (moves || block > (stalledAt ?? -1)) onMoving?.();
          if (session !== undefined) onHead(block);
        },
        onCallbackError: (error) => logger.error({ err: error }, 'chain callback failed'),
      });
      const { endpoint, genesisHash, specVersion, socket } = opened;
      // After a stall, wait for a new block before trusting a node again.
      await untilAborted(moving, socket.ended);
      stalledAt = undefined;
      session = opened;
      said.clear();
      logger.info({ endpoint, specVersion, block: head?.block }, 'chain connected');
      setConnection({ state: 'connected', endpoint, genesisHash, specVersion });
      onSession(opened);
      await socket.closed;
      return asMinerError(socket.ended.reason, 'CHAIN_UNREACHABLE');
    } catch (error) {
      return asMinerError(error, 'CHAIN_UNREACHABLE');
    } finally {
      session = undefined;
      watchdog.close();
      closing.signal.removeEventListener('abort', stop);
    }
  }

  async function keepConnected(): Promise<void> {
    let failures = 0;
    for (let turn = 0; !closing.signal.aborted; turn += 1) {
      const url = endpoints[turn % endpoints.length] ?? '';
      const endpoint = displayEndpoint(url);
      if (connection.state !== 'down') setConnection({ state: 'connecting', endpoint });
      let worked = false;
      const reason = await live(url, () => {
        worked = true;
      });
      if (closing.signal.aborted) break;
      const isUntrusted = reason.code === 'CHAIN_ENDPOINT_UNTRUSTED';
      // The end of a connection that worked counts as a first failure. An untrusted one did not work, whatever blocks
      // it gave.
      failures = worked && !isUntrusted ? 1 : failures + 1;
      setDown(endpoint, reason);
      if (failures % endpoints.length !== 0) continue;
      await pause(failures / endpoints.length, isUntrusted ? RETRY_UNTRUSTED_LONGEST_MS : RETRY_LONGEST_MS);
    }
  }

  async function pause(rounds: number, longestMs: number): Promise<void> {
    const ms = Math.min(longestMs, RETRY_FIRST_MS * 2 ** Math.max(0, rounds - 1));
    await sleep(ms, undefined, { signal: closing.signal }).catch(() => undefined);
  }

  return {
    start() {
      loop ??= keepConnected().catch((error: unknown) => {
        logger.fatal({ err: error }, 'chain loop failed');
      });
    },
    get connection() {
      return connection;
    },
    get head() {
      return head;
    },
    get lastFailure() {
      return lastFailure;
    },
    async close() {
      closing.abort();
      await loop;
      if (connection.state !== 'closed') setConnection({ state: 'closed' });
    },
  };
}

interface Watchdog {
  /** Starts the limit again. */
  touch(): void;
  close(): void;
}

interface WatchdogOptions {
  readonly limitMs: number;
  /** Called once, if `touch` was not called for `limitMs`. */
  readonly onExpire: () => void;
}

/** A timer that `touch` postpones. It runs from the start. */
function createWatchdog({ limitMs, onExpire }: WatchdogOptions): Watchdog {
  const timer = setTimeout(onExpire, limitMs);
  let closed = false;
  return {
    touch() {
      // `refresh` would start a cleared timer again.
      if (!closed) timer.refresh();
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
