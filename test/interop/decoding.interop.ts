import { expect, it } from 'vitest';
import { compareDecoding } from './decoding.ts';
import { pythonOf } from './python-environments.ts';
import { requestCount } from './run-size.ts';

/** A clip takes as long as this many pictures. */
const PICTURES_PER_CLIP = 10;

it.skipIf(pythonOf('sdk-9').missing)(
  "decodes pictures and clips to Pillow's and PyAV's pixels, bit for bit",
  async () => {
    const pictures = requestCount();
    const clips = Math.ceil(pictures / PICTURES_PER_CLIP);
    const { compared, kinds, differing } = await compareDecoding({ pictures, clips });
    const lines = Object.entries(kinds).map(([kind, count]) => `${String(count).padStart(5)} ${kind}`);
    process.stdout.write(`\ndiffering ${differing.length} of ${compared}\n${lines.toSorted().join('\n')}\n`);
    expect(differing).toEqual([]);
    expect(compared).toBe(pictures + clips);
  },
);
