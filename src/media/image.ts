import sharp from 'sharp';
import { MinerError } from '../errors.ts';
import { untilAborted } from '../until-aborted.ts';
import { planFit } from './fit-plan.ts';
import type { Fit, RgbFrames } from './frames.ts';
import {
  FRAMES_LIMIT_BYTES,
  IMAGE_EDGE_LIMIT_PIXELS,
  IMAGE_PIXELS_LIMIT,
  IMAGE_TIME_LIMIT_S,
} from './limits.ts';
import { place, visiblePart } from './place.ts';
import { type Pixels, resample } from './resample.ts';
import { SNIFF_LENGTH_BYTES, sniffMedia } from './sniff.ts';

// libvips knows dozens of formats (SVG, PDF, camera raw, its own dumps) and would also take the gain map of an
// UltraHDR JPEG into account, which Pillow doesn't. Only the six loaders that are meant to be reached are left.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadWebpBuffer',
    'VipsForeignLoadNsgifBuffer',
    'VipsForeignLoadTiffBuffer',
    'VipsForeignLoadHeifBuffer',
  ],
});
// No two requests share an input, so a cache would only hold memory. One thread an image: libuv's pool of four
// already decodes four at a time.
sharp.cache(false);
sharp.concurrency(1);

/**
 * Decodes one image to 8-bit RGB at full size, off the event loop. The kind is told by content.
 *
 * JPEG, PNG, WebP, GIF (first frame, transparent pixels black) and TIFF (first page) come out bit for bit as Pillow's
 * `convert('RGB')` gives them: colour profiles, gamma and EXIF orientation are ignored, alpha is dropped and not
 * composited, grey is repeated. 16-bit samples keep their high byte (where Pillow would clip grey ones). CMYK goes
 * through libvips's built-in press profile, which is truer and darker than Pillow's formula. AVIF has no Pillow
 * reference, as the version that validators use does not read it.
 *
 * Damage is judged as Pillow does: a file that ends early is refused, a JPEG with a few bad bytes in its scan is not.
 *
 * @param bytes the whole file
 * @returns one frame
 * @throws MinerError MEDIA_UNSUPPORTED, MEDIA_TOO_LARGE (more than `pixelsLimit` pixels or a longer edge than `IMAGE_EDGE_LIMIT_PIXELS`, judged from the header),
 *   MEDIA_UNDECODABLE, MEDIA_TIMEOUT; the signal's reason once it is aborted (libvips then ends on its own, within
 *   `IMAGE_TIME_LIMIT_S`)
 */
export async function decodeImage(
  bytes: Buffer,
  { signal, pixelsLimit = IMAGE_PIXELS_LIMIT }: { signal: AbortSignal; pixelsLimit?: number },
): Promise<RgbFrames> {
  signal.throwIfAborted();
  if (sniffMedia(bytes.subarray(0, SNIFF_LENGTH_BYTES))?.modality !== 'image') {
    throw new MinerError('MEDIA_UNSUPPORTED', 'the body is not a JPEG, PNG, WebP, GIF, TIFF or AVIF image');
  }
  return untilAborted(decode(bytes, signal, pixelsLimit), signal);
}

async function decode(bytes: Buffer, signal: AbortSignal, pixelsLimit: number): Promise<RgbFrames> {
  try {
    // 'error' refuses what is truncated; 'warning' would also refuse stray bytes that Pillow passes over.
    const options = { ignoreIcc: true, failOn: 'error' } as const;
    const { width, height } = await sharp(bytes, { ...options, limitInputPixels: false }).metadata();
    if (width * height > pixelsLimit || Math.max(width, height) > IMAGE_EDGE_LIMIT_PIXELS) {
      throw new MinerError('MEDIA_TOO_LARGE', `the image has ${width} × ${height} pixels`);
    }
    signal.throwIfAborted();
    const { data, info } = await sharp(bytes, { ...options, limitInputPixels: IMAGE_PIXELS_LIMIT })
      .removeAlpha()
      .toColourspace('srgb')
      .timeout({ seconds: IMAGE_TIME_LIMIT_S })
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) {
      throw new MinerError('MEDIA_UNDECODABLE', `the image has ${info.channels} channels once decoded`);
    }
    return { data, count: 1, height: info.height, width: info.width };
  } catch (error) {
    throw asDecodeError(error);
  }
}

function asDecodeError(error: unknown): unknown {
  if (error instanceof MinerError || !(error instanceof Error)) return error;
  const [words = ''] = error.message.split('\n');
  if (words.startsWith('timeout:')) {
    return new MinerError('MEDIA_TIMEOUT', `the image took more than ${IMAGE_TIME_LIMIT_S} s to decode`, {
      cause: error,
    });
  }
  return new MinerError('MEDIA_UNDECODABLE', `the image cannot be decoded: ${words.slice(0, 200)}`, {
    cause: error,
  });
}

/**
 * Brings decoded frames to the size a model takes, each on its own, in short turns of the event loop.
 *
 * @throws MinerError MEDIA_TOO_LARGE when the result would pass `FRAMES_LIMIT_BYTES`; the signal's reason once it is
 *   aborted
 */
export async function fitFrames(
  frames: RgbFrames,
  fit: Fit,
  { signal }: { signal?: AbortSignal } = {},
): Promise<RgbFrames> {
  signal?.throwIfAborted();
  if (fit.mode === 'native') return frames;
  const frameBytes = frames.width * frames.height * 3;
  const fittedBytes = fit.width * fit.height * 3;
  if (frames.count * fittedBytes > FRAMES_LIMIT_BYTES) {
    throw new MinerError('MEDIA_TOO_LARGE', `${frames.count} frames of ${fit.width} × ${fit.height} pixels`);
  }
  const fitted: Buffer[] = [];
  for (let index = 0; index < frames.count; index++) {
    const data = frames.data.subarray(index * frameBytes, (index + 1) * frameBytes);
    fitted.push(await fitFrame({ data, width: frames.width, height: frames.height }, fit, signal));
    signal?.throwIfAborted();
  }
  const [first] = fitted;
  const data = first !== undefined && fitted.length === 1 ? first : Buffer.concat(fitted);
  return { data, count: frames.count, height: fit.height, width: fit.width };
}

async function fitFrame(
  picture: Pixels,
  fit: Exclude<Fit, { mode: 'native' }>,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const plan = planFit(picture.width, picture.height, fit);
  const window = visiblePart(plan);
  const pixels = await resample(picture, { source: plan.source, resized: plan.resized, window }, signal);
  return place(pixels, window, plan);
}
