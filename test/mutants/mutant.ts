/** One check of the source that is removed, and the tests that should notice. */
export interface Mutant {
  /** A sentence that says what the miner does without the check. Unique. */
  readonly name: string;
  /** Path of the source file, from the root of the repository. */
  readonly file: string;
  /** The source text of the check. It occurs exactly once in the file. */
  readonly find: string;
  /** What stands there instead: still valid TypeScript, and no longer the check. */
  readonly replace: string;
  /** Paths of test files, from the root of the repository. At least one of their tests should fail. */
  readonly tests: readonly string[];
  /** Why no test can notice, for a check whose removal changes nothing that can be seen. */
  readonly reason?: string;
}

/** How often `find` occurs in `text`; overlapping occurrences count once. */
export function occurrences(text: string, find: string): number {
  return find === '' ? 0 : text.split(find).length - 1;
}

/**
 * The source with the check removed.
 * @throws Error if `find` does not occur exactly once
 */
export function mutate(source: string, { file, find, replace }: Mutant): string {
  const count = occurrences(source, find);
  if (count !== 1) throw new Error(`${file} has ${count} times what must be there once: ${find}`);
  return source.replace(find, () => replace);
}
