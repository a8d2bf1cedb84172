import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../telemetry/logger.ts';
import { isMarkStale, ownMark } from './process-mark.ts';

const PREFIX = 'sn34-miner-';

/** Makes a folder that only this user may enter. Its name has the mark of this process. */
export async function makeProcessFolder(parent: string): Promise<string> {
  return mkdtemp(join(parent, `${PREFIX}${await ownMark()}-`));
}

/** Removes the folders of processes that are gone. Folders of other users and other containers stay. */
export async function removeStaleFolders(parent: string, logger: Logger | undefined): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX) || !(await isMarkStale(name.slice(PREFIX.length)))) continue;
    const path = join(parent, name);
    try {
      const stats = await lstat(path);
      if (!stats.isDirectory() || stats.uid !== process.getuid?.()) continue;
      await rm(path, { recursive: true, force: true });
      logger?.info({ path }, 'removed temporary files of a process that is gone');
    } catch (error) {
      logger?.warn({ path, err: error }, 'cannot remove temporary files of a process that is gone');
    }
  }
}
