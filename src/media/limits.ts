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

/** For decoding one picture and fitting it to a model's input; a process that takes longer is ended. */
export const IMAGE_TIME_LIMIT_MS = 10_000;

/**
 * Scans of a JPEG. Encoders write 10 or so, the most thorough some 20; the format allows 2,646, each of which goes over
 * all coefficients again for a dozen bytes of file. One scan of 89 megapixels takes 22 ms.
 */
export const IMAGE_SCANS_LIMIT = 32;

const MIB = 1024 * 1024;

/**
 * Memory that decoding may take, for one picture and for all that are decoded at once: a host of 4 GB also holds the
 * miner and two models. By what each format takes of a pixel, that is enough for 89 megapixels of JPEG, PNG and TIFF, 76
 * of progressive JPEG with 4:2:0 chroma and 53 with 4:4:4, 71 of interlaced PNG with 8 bits and 46 with 16, 67 of GIF, 28
 * of WebP, and 24 of AVIF with 8 bits and 18 with more.
 */
export const IMAGE_MEMORY_LIMIT_BYTES = 512 * MIB;

/**
 * Private memory of a process that decodes pictures (VmData): the picture, 60 to 110 MiB for Node, and what the pictures
 * before have left behind.
 */
export const PICTURE_PROCESS_MEMORY_LIMIT_BYTES = IMAGE_MEMORY_LIMIT_BYTES + 256 * MIB;

/** Bytes of a picture's file: the most that BODY_LIMIT_MIB can be set to. */
export const PICTURE_FILE_LIMIT_BYTES = 1024 * MIB;

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
