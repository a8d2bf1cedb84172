/**
 * What is decoded at most. Validators' own challenges stay far below: images of any source size, clips of at
 * most 144 frames and 50 million pixels in all. Organic requests carry whatever a stranger uploaded.
 */

/** Pixels of an image: the bound at which Pillow, the decoder on the validators' side, begins to object. */
export const IMAGE_PIXELS_LIMIT = 89_478_485;

/**
 * Pixels of an image that a mask is answered for: 24-megapixel cameras and more. The mask has two bytes a pixel, and a
 * validator that asks 50 miners at once would get 3.4 GB back within its 11 seconds for an image of this size.
 */
export const MASK_PIXELS_LIMIT = 33_554_432;

/** Longest edge of an image: JPEG's, the largest there is but for pictures that are made to wear decoders out. */
export const IMAGE_EDGE_LIMIT_PIXELS = 65_535;

/** Seconds of libvips's own work on one image, after which it gives up (whole seconds are all it takes). */
export const IMAGE_TIME_LIMIT_S = 10;

/** Pixels of a video frame: 8K UHD. A decoder may keep 16 reference frames, so this is tighter than for images. */
export const VIDEO_FRAME_PIXELS_LIMIT = 7680 * 4320;

/**
 * Frames of a clip that are decoded: two minutes at the 30 fps that validators always write. Of a longer clip only
 * the first so many are sampled, since decoding costs the same whether frames are kept or not.
 */
export const VIDEO_FRAMES_LIMIT = 3_600;

/**
 * Pixels of all frames of a clip that are decoded, 25 times what a validator's challenge has. It admits two minutes of
 * 640 × 480, or 20 seconds of 1920 × 1080. A clip of one colour has the cheapest frames there are, and at this limit it
 * takes 1.3 CPU-seconds as H.264; any other takes longer.
 */
export const VIDEO_PIXELS_LIMIT = 1_250_000_000;

/** Frames that one call may ask for. */
export const VIDEO_SAMPLES_LIMIT = 256;

/** Bytes of decoded pixels that one call may return. */
export const FRAMES_LIMIT_BYTES = 512 * 1024 * 1024;

/**
 * Private memory of one ffmpeg or ffprobe process. 8K lossless RGB takes 0.9 GB with two threads; an index that
 * lies about its length can ask for any amount (a 40 kB file for 1.6 GB), and fails at once under this limit.
 */
export const DECODER_MEMORY_LIMIT_BYTES = 1536 * 1024 * 1024;
