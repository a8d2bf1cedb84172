/**
 * The work of decoding a picture, from its header. Sizes are the coded ones, because they cost memory and time. A crop
 * box or a canvas may hide them.
 */
export interface CodedPicture {
  readonly width: number;
  readonly height: number;
  /** Bytes of memory for decoding to 8-bit RGB, with the result and without the file. */
  readonly memoryBytes: number;
}
