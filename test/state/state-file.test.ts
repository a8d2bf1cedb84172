import { linkSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createStateFile } from '../../src/state/state-file.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

function setUp() {
  const folder = join(temporaryFolderPath(), 'state', 'chain');
  const path = join(folder, 'value.json');
  const { logger, lines } = createCapturingLogger();
  return {
    folder,
    path,
    lines,
    file: createStateFile({ path, schema: z.object({ n: z.number() }), logger }),
  };
}
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('a state file', () => {
  it('a state file and its folder are private to this user', () => {
    const { file, folder, path } = setUp();
    file.write({ n: 1 });
    expect([modeOf(path), modeOf(folder)]).toEqual([0o600, 0o700]);
  });

  it('a state file is replaced, not overwritten', () => {
    const { file, path } = setUp();
    file.write({ n: 1 });
    linkSync(path, `${path}.old`);
    file.write({ n: 2 });
    expect(file.read()).toEqual({ n: 2 });
    expect(readFileSync(`${path}.old`, 'utf8')).toBe('{"n":1}');
  });

  it.each(['', 'no JSON', '{"n":"1"}', '[]'])(
    'a state file that holds %j counts as none, which is logged once',
    (text) => {
      const { file, path, lines } = setUp();
      file.write({ n: 1 });
      writeFileSync(path, text);
      expect([file.read(), file.read()]).toEqual([undefined, undefined]);
      expect(lines()).toHaveLength(1);
    },
  );
});
