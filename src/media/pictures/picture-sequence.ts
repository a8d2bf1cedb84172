import { MinerError } from '../../errors.ts';
import { type FrameStride, sampleIndices } from '../clips/sample-indices.ts';
import type { Fit, RgbFrames } from '../frames.ts';
import { FRAMES_LIMIT_BYTES, VIDEO_FRAMES_LIMIT } from '../limits.ts';
import type { PictureDecoder } from './picture-decoder.ts';

interface SampleOptions {
  /** Frames wanted, at least 1. */
  readonly frames: number;
  /** Which frames; `even` if absent. */
  readonly frameStride?: FrameStride;
  readonly fit: Fit;
  readonly signal: AbortSignal;
  readonly decoder: PictureDecoder;
}

interface PictureSample {
  /** The frames, as many as were wanted. */
  readonly frames: RgbFrames;
  readonly clip: { readonly height: number; readonly width: number };
}

/**
 * Like `sampleVideo`, but for a clip whose frames are separate pictures. Decodes the frames that `sampleIndices` names
 * and fits each, one after the other.
 *
 * @param pictures one file each, all of the same size
 * @throws MinerError MEDIA_UNSUPPORTED, MEDIA_TOO_LARGE, MEDIA_UNDECODABLE, MEDIA_TIMEOUT; the signal's reason once it
 *   is aborted
 */
export async function samplePictures(
  pictures: readonly Buffer[],
  { frames: wanted, frameStride, fit, signal, decoder }: SampleOptions,
): Promise<PictureSample> {
  if (pictures.length === 0) throw new MinerError('MEDIA_UNDECODABLE', 'the clip has no frame');
  const indices = sampleIndices(Math.min(pictures.length, VIDEO_FRAMES_LIMIT), wanted, frameStride);
  const fitted: Buffer[] = [];
  let clip: PictureSample['clip'] | undefined;
  let size = { height: 0, width: 0 };
  for (const [order, index] of indices.entries()) {
    const previous = fitted.at(-1);
    if (previous !== undefined && index === indices[order - 1]) {
      fitted.push(previous);
      continue;
    }
    const { frames: frame, source } = await decoder.decode(pictures[index] as Buffer, { fit, signal });
    clip ??= source;
    if (source.height !== clip.height || source.width !== clip.width) {
      throw new MinerError('MEDIA_UNDECODABLE', 'the frames of the clip differ in size');
    }
    size = { height: frame.height, width: frame.width };
    if (wanted * frame.data.length > FRAMES_LIMIT_BYTES) {
      throw new MinerError('MEDIA_TOO_LARGE', `${wanted} frames of ${size.width} × ${size.height} pixels`);
    }
    fitted.push(frame.data);
  }
  const data = Buffer.concat(fitted);
  return { frames: { data, count: wanted, ...size }, clip: clip ?? size };
}
