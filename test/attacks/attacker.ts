import { setMaxListeners } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { head } from '../fixtures/axon.ts';
import { call, createValidator } from '../fixtures/validator.ts';
import type { OverheardRequest } from './honest-validators.ts';
import type { HostileNode } from './hostile-node.ts';

/** What an attack is given, and when it must end. */
export interface Target {
  readonly port: number;
  /** Between the miner and its chain. */
  readonly node: HostileNode;
  /** Aborted when the honest validators have asked for the last time. */
  readonly signal: AbortSignal;
}

export interface Attack {
  /** Goes on until the signal is aborted, or ends before. */
  readonly run?: (target: Target) => Promise<unknown>;
  /** Sees each honest request before it is sent. */
  readonly overhear?: (request: OverheardRequest) => Promise<unknown>;
}

type Run = NonNullable<Attack['run']>;

/** A registered validator that wants the answers of all others. */
export const mallory = createValidator('//Mallory');

/** A signer waits no longer. */
const PATIENCE_MS = 11_000;
/** One that is refused at once does not come back sooner: the miner is measured, and not the loop of the attacker. */
const PAUSE_MS = 50;

/** Sends one signed file and waits for the answer, or until validators would be gone. */
export async function postFile(
  port: number,
  path: string,
  file: Buffer,
  { signal, signer = mallory, ...signed }: PostOptions = {},
): Promise<number | undefined> {
  const until = AbortSignal.any([
    AbortSignal.timeout(PATIENCE_MS),
    ...(signal === undefined ? [] : [signal]),
  ]);
  try {
    return (await signer.post(port, path, file, { ...signed, signal: until })).status;
  } catch {
    return undefined;
  }
}

interface PostOptions {
  readonly signal?: AbortSignal;
  readonly signer?: ReturnType<typeof createValidator>;
  readonly timestampMs?: number;
  readonly uuid?: string;
}

/** Sends what another has signed. */
export function copy({ port, path, headers, body }: OverheardRequest): Promise<unknown> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return call(port, path, { method: 'POST', headers, body, signal }).catch(() => undefined);
}

/** The same file repeatedly, with this many requests at once. */
export function flood(path: string, file: Buffer, atOnce: number): Run {
  return ({ port, signal }) => repeat(atOnce, signal, () => postFile(port, path, file, { signal }));
}

/** Works side by side until the attack is over. */
export async function repeat(
  atOnce: number,
  signal: AbortSignal,
  work: () => Promise<unknown>,
): Promise<void> {
  // Each request and each pause listens to the end.
  setMaxListeners(0, signal);
  const worker = async () => {
    while (!signal.aborted) {
      await work();
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Of all uploads of an attacker together: what a link of 1 Gbit/s brings. Loopback brings ten times as much. */
const LINK_BYTES_PER_SECOND = 125_000_000;

/**
 * Uploads that never end, with the headers of a real request: who hears one has its secret signature for 20 s.
 * @param bytesEach sent as fast as the link is; then a byte a second
 */
export function endlessUploads(
  signer: ReturnType<typeof createValidator>,
  uploads: number,
  bytesEach: number,
): Run {
  const filler = Buffer.alloc(1024 * 1024, 1);
  const fillEveryMs = (1000 * uploads * filler.length) / LINK_BYTES_PER_SECOND;
  const upload = ({ port, signal }: Target) =>
    new Promise<void>((resolve) => {
      const declared = 190 * 1024 * 1024;
      const headers = { ...signer.sign({ body: Buffer.from('another') }), 'Content-Length': declared };
      const socket = connect(port, '127.0.0.1');
      let timer: NodeJS.Timeout | undefined;
      const end = () => socket.destroy();
      signal.addEventListener('abort', end, { once: true });
      socket.on('error', () => undefined);
      socket.resume();
      socket.once('close', () => {
        clearInterval(timer);
        signal.removeEventListener('abort', end);
        resolve();
      });
      socket.write(head('POST /detect_image', headers));
      let sent = 0;
      const fill = () => {
        socket.write(filler);
        sent += filler.length;
        if (sent < bytesEach) return;
        clearInterval(timer);
        timer = setInterval(() => socket.write('x'), 1_000);
      };
      timer = setInterval(fill, fillEveryMs);
    });
  return (target) => repeat(uploads, target.signal, () => upload(target));
}

/** Signed pictures whose answers are not read: each connection holds its answer until it is cut, or until validators are gone. */
export function neverReading(path: string, file: Buffer, atOnce: number): Run {
  const hold = ({ port, signal }: Target) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(head(`POST ${path}`, { ...mallory.sign({ body: file }), 'Content-Length': file.length }));
    socket.write(file);
    return sleep(PATIENCE_MS, undefined, { signal })
      .catch(() => undefined)
      .then(() => socket.destroy());
  };
  return (target) => repeat(atOnce, target.signal, () => hold(target));
}
