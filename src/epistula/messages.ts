/** The length of the intervals that secret signatures cover, in milliseconds. */
const SECRET_INTERVAL_MS = 10_000;

interface SignedParts {
  /** Lower-case hex of SHA-256 over the body exactly as sent. */
  readonly bodySha256Hex: string;
  readonly uuid: string;
  readonly timestampText: string;
  /** Hotkey of the receiver, or the empty string; the dot before it stays. */
  readonly signedFor: string;
}

/** The text that the full signature covers. Path, method and all other headers are not in it. */
export function requestMessage({ bodySha256Hex, uuid, timestampText, signedFor }: SignedParts): string {
  return `${bodySha256Hex}.${uuid}.${timestampText}.${signedFor}`;
}

/**
 * The texts that the three secret signatures cover, in their order. The interval is a Python float, so its text ends in
 * `.0`. The first and the third differ from the second by one millisecond, not by one interval.
 */
export function secretMessages(timestampMs: number, signedFor: string): [string, string, string] {
  const interval = Math.ceil(timestampMs / SECRET_INTERVAL_MS) * SECRET_INTERVAL_MS;
  const message = (at: number) => `${at.toFixed(1)}.${signedFor}`;
  return [message(interval - 1), message(interval), message(interval + 1)];
}
