import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';

const profileSchema = z.array(
  z.looseObject({
    cat: z.string().optional(),
    args: z.looseObject({ provider: z.string().optional() }).optional(),
  }),
);

/**
 * How many operations each execution provider ran, from a profile of ONNX Runtime: the session itself doesn't tell
 * what it runs on.
 * @param text the profile, a JSON array of trace events
 */
export function countNodesByProvider(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { cat, args } of profileSchema.parse(JSON.parse(text))) {
    if (cat !== 'Node' || args?.provider === undefined) continue;
    counts[args.provider] = (counts[args.provider] ?? 0) + 1;
  }
  return counts;
}

/**
 * Reads and removes the profile of the runs so far; ONNX Runtime adds the time to the name of the file.
 * @param prefix how the path of the file begins
 */
export function takeProfile(prefix: string): Record<string, number> {
  const folder = dirname(prefix);
  const counts: Record<string, number> = {};
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(basename(prefix)))) {
    const path = join(folder, name);
    Object.assign(counts, countNodesByProvider(readFileSync(path, 'utf8')));
    rmSync(path);
  }
  return counts;
}
