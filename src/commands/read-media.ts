import { readFile } from 'node:fs/promises';
import { MinerError } from '../errors.ts';

/**
 * A picture or a clip that was named on the command line.
 * @throws MinerError CONFIG_INVALID where it cannot be read
 */
export async function readMedia(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return Buffer.from(await readFile(file));
  } catch (error) {
    throw new MinerError('CONFIG_INVALID', `the file ${file} cannot be read`, { cause: error });
  }
}
