import { MinerError } from '../errors.ts';

/**
 * Takes a flag of a command's own out of its arguments: `--NAME VALUE`. What is left are flags of the settings.
 * @throws MinerError CONFIG_INVALID if the value is missing
 */
export function takeFlag(
  argv: readonly string[],
  name: string,
): { readonly value: string | undefined; readonly rest: readonly string[] } {
  const index = argv.indexOf(name);
  if (index === -1) return { value: undefined, rest: argv };
  const value = argv[index + 1];
  if (value === undefined) throw new MinerError('CONFIG_INVALID', `flag ${name} needs a value`);
  return { value, rest: argv.toSpliced(index, 2) };
}
