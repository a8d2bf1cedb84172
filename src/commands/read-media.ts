import { readFile } from 'node:fs/promises';
import { MinerError } from '../errors.ts';

/**
 * Reads a picture or a clip that the command line names.
 * @throws MinerError CONFIG_INVALID if it cannot be read
 */
export async function readMedia(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return Buffer.from(await readFile(file));
  } catch (error) {
    throw new MinerError('CONFIG_INVALID', `the file ${file} cannot be read`, { cause: error });
  }
}
