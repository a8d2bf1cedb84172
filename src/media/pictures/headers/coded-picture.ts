/**
 * What the header of a picture says about the work of decoding it. Sizes are those that are coded, which a crop box or
 * a canvas may hide: they are what costs memory and time.
 */
export interface CodedPicture {
  readonly width: number;
  readonly height: number;
  /** Memory that decoding to 8-bit RGB takes, in bytes, the result included and the file not. */
  readonly memoryBytes: number;
}
