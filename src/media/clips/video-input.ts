import { VIDEO_FRAME_PIXELS_LIMIT } from '../limits.ts';

/**
 * Decoders that a file may call for, by ffmpeg's names: what cameras, phones and encoders write into MP4 and QuickTime.
 * ffprobe opens sound and cover pictures as well and fails where it may not, so the decoders for these are listed too.
 */
const DECODERS = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'av1', 'libdav1d', 'libaom-av1', 'mpeg4', 'mjpeg', 'prores'],
  ...['png', 'aac', 'mp3', 'mp3float', 'opus', 'libopus', 'alac'],
];

/** Streams in one file; more are a hostile file. */
const STREAMS_LIMIT = 16;

/**
 * Options for ffmpeg and ffprobe that go before the input: nothing but the one local file is read (external references
 * inside it are not followed, which is ffmpeg's default), by the one demuxer, with few decoders. Edit lists are ignored,
 * so that coded frames and decoded frames are the same in number.
 */
export function inputOptions(): string[] {
  return [
    ...['-protocol_whitelist', 'file', '-f', 'mov'],
    ...['-codec_whitelist', DECODERS.join(',')],
    ...['-max_pixels', String(VIDEO_FRAME_PIXELS_LIMIT), '-max_streams', String(STREAMS_LIMIT)],
    ...['-ignore_editlist', '1'],
  ];
}
