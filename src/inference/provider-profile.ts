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
