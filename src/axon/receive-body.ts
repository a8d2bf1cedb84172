// Receives the body of a request: hashed as it streams, charged to an account, in memory or in a private file.
// Called by signed-request.ts, which removes the body when the request is over.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { BodyAccount } from '../admission/body-budget.ts';
import type { ReceivedBody } from '../answering/answerer.ts';
import { MinerError } from '../errors.ts';
import type { TemporaryFile, TemporaryFolder } from '../state/temporary-file.ts';
import { untilAborted } from '../until-aborted.ts';

interface ReceiveOptions {
  readonly account: BodyAccount;
  readonly limitBytes: number;
  readonly temporary: TemporaryFolder;
  /** Ends the wait for the rest of the body. */
  readonly signal: AbortSignal;
}

/** Bodies up to this size stay in memory; nearly all images do. */
const MEMORY_THRESHOLD_BYTES = 4 * 1024 * 1024;
/**
 * The least average rate of a large body, checked after a grace time. A validator that uploads to many miners may begin
 * slowly, so a proven caller has a longer grace time. At a lower rate no large body arrives within 11 s.
 */
const MIN_BYTES_PER_SECOND = 32 * 1024;
const RATE_GRACE_MS = 4_000;
const PROVEN_RATE_GRACE_MS = 8_000;
const RATE_CHECK_INTERVAL_MS = 1_000;
const RATE_FREE_BYTES = 1024 * 1024;
/** Each chunk of a chunked body costs as much as kilobytes. Tiny chunks are an attack; validators send no chunks. */
const MAX_FRAMING_RATIO = 4;
const FREE_FRAMING_BYTES = 256 * 1024;

/**
 * Reads the body into memory up to a threshold, and into a file above it. On failure nothing of it is left behind.
 * @throws MinerError AXON_BODY_TOO_LARGE, AXON_BODY_ABORTED (the caller went away), AXON_BODY_TIMEOUT (too slow),
 * AXON_BUSY (no room), AXON_REQUEST_INVALID (tiny chunks), MEDIA_NO_SPACE, or the reason of the signal
 */
export async function receiveBody(raw: IncomingMessage, options: ReceiveOptions): Promise<ReceivedBody> {
  const { account, limitBytes, temporary, signal } = options;
  const declaredBytes = declaredBytesOf(raw);
  if (declaredBytes !== undefined && declaredBytes > limitBytes) throw tooLarge(limitBytes);

  const hash = createHash('sha256');
  const store = createStore(temporary, declaredBytes ?? MEMORY_THRESHOLD_BYTES);
  try {
    await forEachChunk(raw, signal, account, async (chunk) => {
      if (store.length + chunk.length > limitBytes) throw tooLarge(limitBytes);
      await account.charge(chunk.length);
      hash.update(chunk);
      await store.append(chunk);
    });
  } catch (error) {
    await store.remove();
    throw error;
  }
  const { length, bytes, file, remove } = store;
  return { sha256Hex: hash.digest('hex'), length, bytes, file, remove };
}

/**
 * Calls `onChunk` for each chunk until the body ends. On a failure the rest is read and dropped and the socket stays open,
 * so that a caller that is still sending gets to read the refusal.
 */
async function forEachChunk(
  raw: IncomingMessage,
  signal: AbortSignal,
  account: BodyAccount,
  onChunk: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const rateCheck = setInterval(() => {
    void isTooSlow(account, raw).then((slow) => {
      if (slow) stop.abort(new MinerError('AXON_BODY_TIMEOUT', 'the body arrives too slowly'));
    });
  }, RATE_CHECK_INTERVAL_MS);
  rateCheck.unref();
  const chunks = raw.iterator({ destroyOnReturn: false });
  const bytesBefore = raw.socket.bytesRead;
  let received = 0;
  try {
    for (;;) {
      const { done, value } = await untilAborted(chunks.next(), stop.signal);
      if (done === true) break;
      const chunk = value as Buffer;
      received += chunk.length;
      if (raw.socket.bytesRead - bytesBefore > MAX_FRAMING_RATIO * received + FREE_FRAMING_BYTES) {
        throw new MinerError('AXON_REQUEST_INVALID', 'the chunks of the body are too small');
      }
      await onChunk(chunk);
    }
    if (!raw.complete) throw new MinerError('AXON_BODY_ABORTED', 'the body broke off');
  } catch (error) {
    void chunks.return?.().then(
      () => raw.resume(),
      () => undefined,
    );
    if (error instanceof MinerError) throw error;
    throw new MinerError('AXON_BODY_ABORTED', 'the caller went away before the body was complete', {
      cause: error,
    });
  } finally {
    clearInterval(rateCheck);
    signal.removeEventListener('abort', onAbort);
  }
}

async function isTooSlow(account: BodyAccount, raw: IncomingMessage): Promise<boolean> {
  const declaredBytes = declaredBytesOf(raw) ?? Number.POSITIVE_INFINITY;
  if (account.ageMs() < RATE_GRACE_MS) return false;
  if (declaredBytes <= RATE_FREE_BYTES || account.bytesPerSecond() >= MIN_BYTES_PER_SECOND) return false;
  return account.ageMs() >= PROVEN_RATE_GRACE_MS || !(await account.proven());
}

/** The declared size of the body; undefined for a chunked one. */
export function declaredBytesOf({ headers }: IncomingMessage): number | undefined {
  const declared = headers['content-length'];
  return declared === undefined ? undefined : Number(declared);
}

interface BodyStore extends Omit<ReceivedBody, 'sha256Hex'> {
  append(chunk: Buffer): Promise<void>;
}

function createStore(temporary: TemporaryFolder, expectedBytes: number): BodyStore {
  let length = 0;
  let chunks: Buffer[] = [];
  let spill: TemporaryFile | undefined;

  async function toFile(): Promise<TemporaryFile> {
    if (spill === undefined) {
      spill = await temporary.create(Math.max(expectedBytes, length));
      for (const chunk of chunks) await spill.append(chunk);
      chunks = [];
    }
    return spill;
  }

  return {
    get length() {
      return length;
    },
    async append(chunk) {
      length += chunk.length;
      if (spill === undefined && length <= MEMORY_THRESHOLD_BYTES) chunks.push(chunk);
      else await (await toFile()).append(chunk);
    },
    bytes: async () => (spill === undefined ? Buffer.concat(chunks) : readFile(spill.path)),
    file: async () => (await toFile()).path,
    remove: async () => {
      chunks = [];
      await spill?.remove();
    },
  };
}

function tooLarge(limitBytes: number): MinerError {
  return new MinerError('AXON_BODY_TOO_LARGE', `the body is larger than ${limitBytes} bytes`);
}
