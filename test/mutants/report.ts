import type { Mutant } from './mutant.ts';

/** What came of one mutant. */
export interface Outcome {
  readonly mutant: Mutant;
  readonly verdict: 'killed' | 'survived' | 'broken';
  /** The test that noticed, or why the entry is broken. */
  readonly by: string;
  readonly tookMs: number;
}

/** One line of an outcome, for the terminal. */
export function outcomeLine({ mutant, verdict, by, tookMs }: Outcome): string {
  const seconds = (tookMs / 1000).toFixed(1).padStart(6);
  return `${verdict.padEnd(8)} ${seconds} s  ${mutant.name}${by === '' ? '' : `  [${by}]`}`;
}

/** The counts in a sentence. */
export function summaryLine(outcomes: readonly Outcome[]): string {
  const count = (verdict: Outcome['verdict']) => outcomes.filter((one) => one.verdict === verdict).length;
  return `${outcomes.length} checks removed one by one: ${count('killed')} noticed, ${count('survived')} missed, ${count('broken')} broken entries`;
}

/** The dated result as Markdown. */
export function resultDocument(outcomes: readonly Outcome[], dateText: string): string {
  const rows = outcomes.map(({ mutant, verdict, by }) => {
    const cells = [mutant.name, `\`${mutant.file}\``, verdict, verdict === 'survived' ? mutant.reason : by];
    return `| ${cells.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return [
    `# Removed checks, ${dateText}`,
    '',
    `\`npm run test:mutants\`: ${summaryLine(outcomes)}.`,
    '',
    '| without the check | file | result | noticed by, or why not |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
