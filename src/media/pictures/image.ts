import sharp from 'sharp';
import { MinerError } from '../../errors.ts';
import type { RgbFrames } from '../frames.ts';
import { IMAGE_PIXELS_LIMIT } from '../limits.ts';
import { assertFewScans } from './judge-picture.ts';

// libvips knows dozens of formats (SVG, PDF, camera raw, its own dumps) and applies the gain map of an UltraHDR JPEG,
// which Pillow does not. Only the six intended loaders stay enabled.
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
// No two requests share an input, so a cache would only hold memory. One thread is enough: several processes decode one
// image each.
sharp.cache(false);
sharp.concurrency(1);

/**
 * Decodes one image to 8-bit RGB at full size. Only the end of the process ends the work, so the miner calls this
 * through a `PictureDecoder`.
 *
 * JPEG, PNG, WebP, GIF (first frame, transparent pixels black) and TIFF (first page) equal Pillow's `convert('RGB')`
 * bit for bit: colour profiles, gamma and EXIF orientation are ignored, alpha is dropped and not composited, grey is
 * repeated. 16-bit samples keep their high byte (Pillow would clip grey ones). CMYK goes through libvips's built-in
 * press profile, which is truer and darker than Pillow's formula. AVIF has no Pillow reference: the version of the
 * validators does not read it.
 *
 * Damage is judged as Pillow does: a file that ends early is refused, a JPEG with a few bad bytes in its scan is not.
 *
 * @param bytes the whole file, after `judgePicture` has judged it
 * @returns one frame
 * @throws MinerError MEDIA_UNSUPPORTED, MEDIA_TOO_LARGE (judged before the pixels are decoded), MEDIA_UNDECODABLE; an
 *   Error of libvips for a damaged file
 */
export async function decodeImage(bytes: Buffer): Promise<RgbFrames> {
  assertFewScans(bytes);
  // 'error' refuses truncated files; 'warning' would also refuse stray bytes that Pillow ignores.
  const options = { ignoreIcc: true, failOn: 'error', limitInputPixels: IMAGE_PIXELS_LIMIT } as const;
  const { data, info } = await sharp(bytes, options)
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) {
    throw new MinerError('MEDIA_UNDECODABLE', `the image has ${info.channels} channels once decoded`);
  }
  return { data, count: 1, height: info.height, width: info.width };
}
