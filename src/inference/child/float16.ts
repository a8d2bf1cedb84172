/** The bits of the IEEE 754 half-precision number nearest to `value`, ties to even; too large becomes infinity. */
export function encodeFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // 65520 is half way between the largest half, 65504, and the next one if there were one.
  if (magnitude >= 65_520) return sign | 0x7c00;
  // Below 2^-14 halves are multiples of 2^-24, and a number rounded up to 2^-14 has the right bits as well.
  if (magnitude < 2 ** -14) return sign | roundHalfToEven(magnitude * 2 ** 24);
  // log2 may be off by one at a power of two.
  const guess = Math.floor(Math.log2(magnitude));
  const exponent = magnitude < 2 ** guess ? guess - 1 : magnitude >= 2 ** (guess + 1) ? guess + 1 : guess;
  const mantissa = roundHalfToEven((magnitude / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + mantissa);
}

/** The number that half-precision bits stand for. */
export function decodeFloat16(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
