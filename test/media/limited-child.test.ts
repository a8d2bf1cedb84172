import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { keepFirst } from '../../src/media/limited-child.ts';

it.each([
  ['short', 10, 10],
  ['endless', 8_000_000, 4096],
])(
  'of what a child writes that is %s the first bytes are kept, and the child ends',
  async (_kind, bytes, kept) => {
    const child = spawn(process.execPath, ['-e', `process.stderr.write('x'.repeat(${bytes}))`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const complaint = keepFirst(child.stderr, 4096);
    await once(child, 'close');
    expect(complaint()).toBe('x'.repeat(kept));
  },
);
