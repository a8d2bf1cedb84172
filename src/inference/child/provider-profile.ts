import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { ProviderUse } from '../worker/messages.ts';

const profileSchema = z.array(
  z.looseObject({
    cat: z.string().optional(),
    name: z.string().optional(),
    /** Microseconds. */
    ts: z.number().optional(),
    dur: z.number().optional(),
    args: z.looseObject({ provider: z.string().optional() }).optional(),
  }),
);

/**
 * How many operations each execution provider ran and how long they took, from a profile of ONNX Runtime. The session itself
 * does not say what it runs on.
 * @param text the profile, a JSON array of trace events; only the last run counts
 */
export function readProviderUse(text: string): Record<string, ProviderUse> {
  const events = profileSchema.parse(parseEvents(text));
  const runStarts = events.flatMap(({ name, ts }) => (name === 'model_run' && ts !== undefined ? [ts] : []));
  const lastRunStart = Math.max(0, ...runStarts);
  const uses: Record<string, ProviderUse> = {};
  for (const { cat, ts = 0, dur = 0, args } of events) {
    if (cat !== 'Node' || args?.provider === undefined || ts < lastRunStart) continue;
    const { nodes, ms } = uses[args.provider] ?? { nodes: 0, ms: 0 };
    uses[args.provider] = { nodes: nodes + 1, ms: ms + dur / 1000 };
  }
  return uses;
}

/**
 * ONNX Runtime writes one event on each line, and does not escape the names of operations. A quote or a control character in
 * a name spoils its own line only.
 */
function parseEvents(text: string): unknown[] {
  return text.split('\n').flatMap((line) => {
    const event = line.trim().replace(/,$/, '');
    if (!event.startsWith('{')) return [];
    try {
      return [JSON.parse(event.replaceAll(/\p{Cc}/gu, ' '))];
    } catch {
      return [];
    }
  });
}

/**
 * Reads and removes the profile of the runs so far. ONNX Runtime adds the time to the name of the file.
 * @param prefix the begin of the file's path
 */
export function takeProfile(prefix: string): Record<string, ProviderUse> {
  const folder = dirname(prefix);
  const uses: Record<string, ProviderUse> = {};
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(basename(prefix)))) {
    const path = join(folder, name);
    Object.assign(uses, readProviderUse(readFileSync(path, 'utf8')));
    rmSync(path);
  }
  return uses;
}
