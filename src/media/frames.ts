/** Decoded pixels: `count` pictures of the same size, 8-bit RGB interleaved, row-major, no padding. */
export interface RgbFrames {
  /** count × height × width × 3 bytes. */
  readonly data: Buffer;
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/**
 * How pictures are fitted to the input size of a model.
 * - `native`: unchanged
 * - `stretch`: both sides resized, aspect lost
 * - `cover`: shortest edge resized, then centre-cropped
 * - `contain`: longest edge resized, then padded with black
 */
export type Fit =
  | { readonly mode: 'native' }
  | { readonly mode: 'stretch' | 'cover' | 'contain'; readonly height: number; readonly width: number };
