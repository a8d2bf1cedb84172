import { MinerError } from '../../errors.ts';
import { IMAGE_MEMORY_LIMIT_BYTES, IMAGE_PIXELS_LIMIT } from '../limits.ts';

const WORDS_LIMIT_CHARS = 200;
/** The words of glib, libjpeg, libheif, libtiff and V8 if they get no memory. */
const NO_MEMORY = /memory|alloc/i;

/**
 * The coded error for a picture that libvips could not decode. Its message has the first line, without control
 * characters.
 */
export function asPictureError(error: unknown): MinerError {
  if (error instanceof MinerError) return error;
  const [words = ''] = String(error instanceof Error ? error.message : error).split('\n');
  if (NO_MEMORY.test(words)) return tooMuchMemory();
  if (words.includes('exceeds pixel limit')) {
    return new MinerError('MEDIA_TOO_LARGE', `the image has more than ${IMAGE_PIXELS_LIMIT} pixels`);
  }
  const printable = words.replaceAll(/[^\x20-\x7e]/g, '').slice(0, WORDS_LIMIT_CHARS);
  return new MinerError('MEDIA_UNDECODABLE', `the image cannot be decoded: ${printable}`, { cause: error });
}

/**
 * The coded error for a picture that crashed its process.
 * @param how the process ended
 * @param complaint its standard error
 */
export function asFatalPictureError(how: string, complaint: string): MinerError {
  if (NO_MEMORY.test(complaint)) return tooMuchMemory();
  return new MinerError('MEDIA_UNDECODABLE', `the image cannot be decoded: the process that tried ${how}`);
}

function tooMuchMemory(): MinerError {
  const limitMib = IMAGE_MEMORY_LIMIT_BYTES / 1024 / 1024;
  return new MinerError('MEDIA_TOO_LARGE', `the image needs more than ${limitMib} MiB to decode`);
}
