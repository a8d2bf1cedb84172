export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

/** The kind of a file by its first bytes. `mp4` means the whole family of MP4 and QuickTime. */
export type SniffedMedia =
  | { readonly modality: 'image'; readonly format: ImageFormat }
  | { readonly modality: 'video'; readonly format: 'mp4' };

/** Bytes from the start of a file that are enough to tell its kind. */
export const SNIFF_LENGTH_BYTES = 128;

const VIDEO: SniffedMedia = { modality: 'video', format: 'mp4' };

const AVIF_BRANDS = new Set(['avif', 'avis']);
/** Still pictures and other content in the same container that the miner does not decode. */
const OTHER_IMAGE_BRANDS = new Set([
  ...['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs'],
  ...['mif1', 'mif2', 'msf1', 'miaf', 'jp2 ', 'jpx ', 'jpm ', 'crx '],
]);
/** Atoms that QuickTime files older than `ftyp` begin with. */
const OLD_QUICKTIME_ATOMS = new Set(['moov', 'mdat', 'wide', 'free', 'skip', 'pnot']);

/**
 * Tells the kind of media by content, not by label: organic requests carry PNG, WebP or anything else marked
 * `image/jpeg`.
 *
 * @param head the first `SNIFF_LENGTH_BYTES` of the file, or the whole file if it is shorter
 * @returns undefined for a kind that the miner does not decode (HEIC, SVG, PDF, WebM, text, …)
 */
export function sniffMedia(head: Buffer): SniffedMedia | undefined {
  const format = imageFormat(head);
  if (format !== undefined) return { modality: 'image', format };
  const atom = ascii(head, 4, 8);
  if (atom === 'ftyp') return sniffBrands(head);
  return OLD_QUICKTIME_ATOMS.has(atom) ? VIDEO : undefined;
}

function imageFormat(head: Buffer): ImageFormat | undefined {
  const signature = head.toString('latin1', 0, 12);
  if (signature.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (signature.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (signature.startsWith('RIFF') && signature.slice(8) === 'WEBP') return 'webp';
  if (/^GIF8[79]a/.test(signature)) return 'gif';
  // 42 is TIFF, 43 is BigTIFF; either byte order.
  if (/^(?:II[*+]\0|MM\0[*+])/.test(signature)) return 'tiff';
  return undefined;
}

/** A file type box: size, 'ftyp', major brand, minor version, compatible brands. */
function sniffBrands(head: Buffer): SniffedMedia | undefined {
  if (head.length < 12) return undefined;
  const brands = [ascii(head, 8, 12)];
  const end = Math.min(head.readUInt32BE(0), head.length);
  for (let offset = 16; offset + 4 <= end; offset += 4) brands.push(ascii(head, offset, offset + 4));
  const [major = ''] = brands;
  if (AVIF_BRANDS.has(major)) return { modality: 'image', format: 'avif' };
  if (!OTHER_IMAGE_BRANDS.has(major)) return VIDEO;
  return brands.some((brand) => AVIF_BRANDS.has(brand)) ? { modality: 'image', format: 'avif' } : undefined;
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end);
}
