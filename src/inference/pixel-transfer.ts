import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MinerError } from '../errors.ts';

/** Bytes on their way between the miner and a model's process. */
export type Payload =
  | { readonly inline: Uint8Array }
  | {
      /** A private file with nothing but the bytes. */
      readonly file: string;
    };

/** Up to here a message is faster than a file: 0.55 ms for 147 kB, and 6.6 ms for 3 MB. */
const INLINE_LIMIT_BYTES = 256 * 1024;
const FOLDER_PREFIX = 'sn34-inference';
/** Memory, as long as there is room; a container often gives it 64 MB only. */
const PREFERRED_ROOT = '/dev/shm';

/** The miner's end: asynchronous, so that the event loop never waits for a disk. */
export interface PixelTransfer {
  /** Private folders of this transfer, the preferred one first. */
  readonly folders: readonly string[];
  /** @throws MinerError MEDIA_NO_SPACE when no folder has room */
  send(name: string, data: Uint8Array): Promise<Payload>;
  receive(payload: Payload): Promise<Buffer>;
  /** Removes what either end wrote under that name. */
  discard(name: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes the private folders, and removes those that miners left which were killed.
 * @param roots where folders are made; /dev/shm and then the temporary folder when absent
 */
export async function createPixelTransfer(
  roots: readonly string[] = [PREFERRED_ROOT, tmpdir()],
): Promise<PixelTransfer> {
  const namespace = await pidNamespace();
  const folders: string[] = [];
  for (const root of new Set(roots)) {
    await removeLeftovers(root, namespace);
    try {
      folders.push(await mkdtemp(join(root, `${FOLDER_PREFIX}-${namespace}-${process.pid}-`)));
    } catch {
      // No such memory file system here, or it is read-only: the next root serves.
    }
  }
  if (folders.length === 0) {
    throw new MinerError('MEDIA_NO_SPACE', `no temporary folder could be made in ${roots.join(' or ')}`);
  }
  const discard = async (name: string): Promise<void> => {
    await Promise.all(folders.map((folder) => rm(join(folder, name), { force: true })));
  };
  return {
    folders,
    async send(name, data) {
      if (data.byteLength <= INLINE_LIMIT_BYTES) return { inline: data };
      for (const folder of folders) {
        const file = join(folder, name);
        try {
          await writeFile(file, data, { mode: 0o600, flag: 'wx' });
          return { file };
        } catch {
          await rm(file, { force: true });
        }
      }
      throw noSpace(data.byteLength);
    },
    async receive(payload) {
      return 'file' in payload ? readFile(payload.file) : Buffer.from(payload.inline);
    },
    discard,
    async close() {
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
}

/** The child's end, where nothing else waits for the event loop. @throws MinerError MEDIA_NO_SPACE */
export function writePayload(folders: readonly string[], name: string, data: Uint8Array): Payload {
  if (data.byteLength <= INLINE_LIMIT_BYTES) return { inline: data };
  for (const folder of folders) {
    const file = join(folder, name);
    try {
      writeFileSync(file, data, { mode: 0o600, flag: 'wx' });
      return { file };
    } catch {
      rmSync(file, { force: true });
    }
  }
  throw noSpace(data.byteLength);
}

/** The child's end. */
export function readPayload(payload: Payload): Buffer {
  return 'file' in payload
    ? readFileSync(payload.file)
    : Buffer.from(payload.inline.buffer, payload.inline.byteOffset, payload.inline.byteLength);
}

function noSpace(bytes: number): MinerError {
  return new MinerError('MEDIA_NO_SPACE', `no temporary folder has room for ${bytes} bytes of pixels`);
}

/** A process id means something only inside its namespace, and containers may share /dev/shm. */
async function pidNamespace(): Promise<string> {
  const link = await readlink('/proc/self/ns/pid').catch(() => '');
  return link.replace(/\D/g, '') || '0';
}

async function removeLeftovers(root: string, namespace: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  for (const name of names) {
    const [, owner] = new RegExp(`^${FOLDER_PREFIX}-${namespace}-(\\d+)-`).exec(name) ?? [];
    if (owner === undefined || isRunning(Number(owner))) continue;
    // Another user's leftovers are not ours to remove.
    await rm(join(root, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
