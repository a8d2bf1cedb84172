import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from '../telemetry/logger.ts';

/**
 * Keeps the system from writing the memory of this process, which will hold the hotkey, to disk if it crashes. Processes
 * that it starts inherit that. Call it before the hotkey is opened; without prlimit (util-linux) it warns.
 */
export async function forbidCoreFiles(logger: Logger): Promise<void> {
  try {
    await promisify(execFile)('prlimit', [`--pid=${process.pid}`, '--core=0:0']);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    logger.warn({ reason: message }, 'core files not forbidden: a crash may write the hotkey to disk');
  }
}
