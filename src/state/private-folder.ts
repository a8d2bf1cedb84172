import { access, chmod, constants, lstat, mkdir } from 'node:fs/promises';
import { MinerError } from '../errors.ts';

const OTHERS = 0o077;

/**
 * Makes a folder that belongs only to this user (mode 0700), or accepts an existing one. A user who could enter it
 * could hold the lock in it, and its owner could replace it.
 * @throws MinerError STATE_DIR_UNUSABLE
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const found = await lstat(path);
    if (!found.isDirectory()) throw unusable(`${path} is not a folder`);
    if (found.uid !== process.geteuid?.()) {
      throw unusable(`${path} belongs to the user with the id ${found.uid}, not to the user of the miner`);
    }
    if ((found.mode & OTHERS) !== 0) await chmod(path, 0o700);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    if (error instanceof MinerError) throw error;
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw unusable(`${path} cannot be written (${code})`, error);
  }
}

function unusable(message: string, cause?: unknown): MinerError {
  return new MinerError('STATE_DIR_UNUSABLE', message, { cause });
}
