const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~';
/** The value of each byte as a digit; 85 if it is not a digit. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = ALPHABET.indexOf(String.fromCharCode(byte));
  return digit === -1 ? 85 : digit;
});
const GROUP_CHARS = 5;
const GROUP_BYTES = 4;

/**
 * Decodes what Python's `base64.b85encode` gives: five digits for four bytes, the last group short.
 * @param text the characters as bytes
 * @returns undefined if a character is not a digit or a group is more than 32 bits
 */
export function decodeBase85(text: Uint8Array): Buffer | undefined {
  const groups = Math.ceil(text.length / GROUP_CHARS);
  const padding = groups * GROUP_CHARS - text.length;
  // One digit beyond whole groups encodes no byte, so no encoder writes it.
  if (padding === GROUP_CHARS - 1) return undefined;
  const decoded = Buffer.allocUnsafe(groups * GROUP_BYTES);
  for (let group = 0; group < groups; group++) {
    let value = 0;
    for (let index = group * GROUP_CHARS; index < (group + 1) * GROUP_CHARS; index++) {
      // The short group is padded with the highest digit.
      const digit = index < text.length ? (DIGITS[text[index] as number] as number) : 84;
      if (digit === 85) return undefined;
      value = value * 85 + digit;
    }
    if (value > 0xffffffff) return undefined;
    decoded.writeUInt32BE(value, group * GROUP_BYTES);
  }
  return decoded.subarray(0, decoded.length - padding);
}
