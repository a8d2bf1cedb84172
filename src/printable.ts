/** What a terminal obeys, and what changes the direction of text. */
const OBEYED = /\p{Cc}|[\u2028-\u202e\u2066-\u2069]/gu;

/**
 * Text from elsewhere as one line, fit for a log and a terminal: what a terminal obeys, line breaks too, becomes spaces, and
 * what is longer than `limitChars` is cut. No more than the limit is ever looked at.
 */
export function printable(text: string, limitChars = Number.POSITIVE_INFINITY): string {
  const shown = text.slice(0, limitChars).replaceAll(OBEYED, ' ');
  return text.length > limitChars ? `${shown}…` : shown;
}

/** The same for a text of lines, which keeps its line breaks. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}
