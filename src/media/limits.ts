/**
 * Limits of decoding. The challenges of validators stay far below: images of any source size, and clips of at most 144
 * frames and 50 million pixels in all. Organic requests carry any file that a stranger uploaded.
 */

/** Pixels of an image: the bound from which Pillow, the decoder of the validators, warns. */
export const IMAGE_PIXELS_LIMIT = 89_478_485;

/**
 * Pixels of an image that gets a mask, enough for cameras of 24 megapixels and more. A mask has two bytes a pixel: a
 * validator that asks 50 miners about an image of this size would get 3.4 GB back within its 11 seconds.
 */
export const MASK_PIXELS_LIMIT = 33_554_432;

/** Longest edge of an image: that of JPEG. Only pictures that are made to attack decoders have a longer one. */
export const IMAGE_EDGE_LIMIT_PIXELS = 65_535;

/** Time to decode one picture and fit it to a model's input. A process that takes longer is killed. */
export const IMAGE_TIME_LIMIT_MS = 10_000;

/**
 * Scans of a JPEG. Most encoders write about 10, and none more than about 20. The format allows 2,646, and each one,
 * for a dozen bytes of file, makes the decoder read all coefficients again. One scan of 89 megapixels takes 22 ms.
 */
export const IMAGE_SCANS_LIMIT = 32;

const MIB = 1024 * 1024;

/**
 * Memory for decoding, for one picture and for all that are decoded at once. A host of 4 GB also holds the miner and
 * two models. The limit allows 89 megapixels of JPEG, PNG and TIFF; 76 of progressive JPEG with 4:2:0 chroma and 53
 * with 4:4:4; 71 of interlaced PNG with 8 bits and 46 with 16; 67 of GIF; 28 of WebP; 24 of AVIF with 8 bits and 18
 * with more.
 */
export const IMAGE_MEMORY_LIMIT_BYTES = 512 * MIB;

/**
 * Private memory of a process that decodes pictures (VmData): the picture, 60 to 110 MiB for Node, and memory that
 * earlier pictures left.
 */
export const PICTURE_PROCESS_MEMORY_LIMIT_BYTES = IMAGE_MEMORY_LIMIT_BYTES + 256 * MIB;

/** Bytes of a picture's file: the highest value of BODY_LIMIT_MIB. */
export const PICTURE_FILE_LIMIT_BYTES = 1024 * MIB;

/** Pixels of a video frame: 8K UHD. A decoder may keep 16 reference frames, so this is tighter than for images. */
export const VIDEO_FRAME_PIXELS_LIMIT = 7680 * 4320;

/**
 * Frames of a clip that may be sampled: two minutes at the 30 fps that validators always write. Later frames of a
 * longer clip are ignored, because decoding costs the same whether frames are kept or not.
 */
export const VIDEO_FRAMES_LIMIT = 3_600;

/**
 * Pixels of all decoded frames of a clip, 25 times those of a validator's challenge. It allows two minutes of 640 ×
 * 480, or 20 seconds of 1920 × 1080. A clip of one colour has the cheapest frames: at this limit it takes 1.3
 * CPU-seconds as H.264.
 */
export const VIDEO_PIXELS_LIMIT = 1_250_000_000;

/** Frames that one call may ask for. */
export const VIDEO_SAMPLES_LIMIT = 256;

/** Bytes of decoded pixels that one call may return. */
export const FRAMES_LIMIT_BYTES = 512 * 1024 * 1024;

/**
 * Private memory of one ffmpeg or ffprobe process. 8K lossless RGB takes 0.9 GB with two threads. An index that lies
 * about its length can ask for any amount (a 40 kB file for 1.6 GB); under this limit it fails at once.
 */
export const DECODER_MEMORY_LIMIT_BYTES = 1536 * 1024 * 1024;
