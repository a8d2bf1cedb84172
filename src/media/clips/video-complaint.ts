import { MinerError } from '../../errors.ts';
import { DECODER_MEMORY_LIMIT_BYTES, VIDEO_FRAME_PIXELS_LIMIT } from '../limits.ts';

/**
 * The coded error for a clip that ffprobe or ffmpeg refused, from its standard error. The message has its words on one
 * line, without paths and addresses.
 */
export function complaintError(complaint: string): MinerError {
  if (complaint.includes('exceeds specified max pixel count')) {
    return new MinerError('MEDIA_TOO_LARGE', `a frame has more than ${VIDEO_FRAME_PIXELS_LIMIT} pixels`);
  }
  if (complaint.includes('exceeds max_streams')) {
    return new MinerError('MEDIA_TOO_LARGE', 'the video has too many streams');
  }
  if (/cannot allocate memory/i.test(complaint)) {
    const limitMib = DECODER_MEMORY_LIMIT_BYTES / 1024 / 1024;
    return new MinerError('MEDIA_TOO_LARGE', `the video needs more than ${limitMib} MiB to decode`);
  }
  const codec = /Codec \(([\w-]+)\) not on whitelist/.exec(complaint)?.[1];
  if (codec !== undefined) {
    return new MinerError('MEDIA_UNSUPPORTED', `the miner does not decode the codec ${codec} of the video`);
  }
  if (/partial file|corrupt input packet/.test(complaint)) {
    return new MinerError('MEDIA_UNDECODABLE', `the video is truncated: ${tidy(complaint)}`);
  }
  return new MinerError(
    'MEDIA_UNDECODABLE',
    `the video cannot be decoded: ${tidy(complaint) || 'ffmpeg gave no reason'}`,
  );
}

function tidy(complaint: string): string {
  const lines = complaint.split('\n').map((line) =>
    line
      .replace(/\[([^\]]*?) @ 0x[0-9a-f]+\]/g, '$1:')
      .replaceAll(/file:\S+: ?/g, '')
      .replaceAll(/[^\x20-\x7e]/g, '')
      .trim(),
  );
  return [...new Set(lines.filter((line) => line !== ''))].slice(0, 2).join('; ').slice(0, 200);
}
