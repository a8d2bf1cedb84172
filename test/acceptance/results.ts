import { LEVELS } from './challenges.ts';

/** One figure at each level. */
export interface Result {
  readonly model: string;
  readonly figure: 'binary MCC' | 'three-class MCC' | 'mean IoU';
  /** Media at each level. */
  readonly count: number;
  /** By level, 0 to 3. */
  readonly values: readonly number[];
  /** Least that is asked for at levels 0 and 1; undefined where nothing is. */
  readonly least: number | undefined;
}

/** The figures as a Markdown table, for reading and for the model cards. */
export function asTable(results: readonly Result[]): string {
  const head = [
    'model',
    'figure',
    'media a level',
    ...LEVELS.map((level) => `level ${level}`),
    'asked at 0, 1',
  ];
  const rows = results.map(({ model, figure, count, values, least }) => [
    model,
    figure,
    String(count),
    ...values.map((value) => value.toFixed(3)),
    least === undefined ? '' : `≥ ${least}`,
  ]);
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
