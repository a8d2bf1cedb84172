/**
 * Text from elsewhere, fit for a log and a terminal: control characters, and those that change the direction of text,
 * become spaces, and what is longer than `limitChars` is cut. No more than the limit is ever looked at.
 */
export function printable(text: string, limitChars: number): string {
  const shown = text.slice(0, limitChars).replaceAll(/(?!\n)\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu, ' ');
  return text.length > limitChars ? `${shown}…` : shown;
}
