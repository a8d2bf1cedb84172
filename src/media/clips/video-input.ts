import { VIDEO_FRAME_PIXELS_LIMIT } from '../limits.ts';

/**
 * The decoders that a file may use, by ffmpeg's names: the codecs that cameras, phones and encoders write into MP4 and
 * QuickTime. The list has decoders for sound and cover pictures too: ffprobe opens them, and fails if it may not.
 */
const DECODERS = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'av1', 'libdav1d', 'libaom-av1', 'mpeg4', 'mjpeg', 'prores'],
  ...['png', 'aac', 'mp3', 'mp3float', 'opus', 'libopus', 'alac'],
];

/** The highest number of streams in one file. Only a hostile file has more. */
const STREAMS_LIMIT = 16;

/**
 * The options of ffmpeg and ffprobe before the input. Only the one local file is read, by one demuxer, with few decoders;
 * ffmpeg does not follow external references in it by default. Edit lists are ignored, so that the numbers of coded and
 * decoded frames are equal.
 */
export function inputOptions(): string[] {
  return [
    ...['-protocol_whitelist', 'file', '-f', 'mov'],
    ...['-codec_whitelist', DECODERS.join(',')],
    ...['-max_pixels', String(VIDEO_FRAME_PIXELS_LIMIT), '-max_streams', String(STREAMS_LIMIT)],
    ...['-ignore_editlist', '1'],
  ];
}
