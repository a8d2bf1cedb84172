import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Logger } from '../telemetry/logger.ts';

/**
 * Keeps the system from writing the memory of this process, which will hold the hotkey, to disk if it crashes. Processes
 * that it starts inherit that. Call it before the hotkey is opened; without prlimit (util-linux) it warns.
 */
export async function forbidCoreFiles(logger: Logger): Promise<void> {
  try {
    // A program that the kernel pipes core files to, as core(5) has it, gets them whatever the limit is: with no memory in them.
    await writeFile('/proc/self/coredump_filter', '0');
    await promisify(execFile)('prlimit', [`--pid=${process.pid}`, '--core=0:0']);
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    logger.warn({ reason: message }, 'core files not forbidden: a crash may write the hotkey to disk');
  }
}
