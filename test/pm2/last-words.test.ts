import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileSizeBytes, lastWords } from '../../src/pm2/last-words.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

describe('the last words of a process', () => {
  it('begin with its last failure since its start', () => {
    const path = join(temporaryFolderPath(), 'log');
    writeFileSync(path, 'WALLET_NOT_FOUND: of an earlier run\nits remedy\n');
    const begin = fileSizeBytes(path);
    expect(lastWords(path, begin)).toEqual([]);
    appendFileSync(path, 'INTERNAL: once\nremedy\nCONFIG_INVALID: two\nMINER_TYPE="x"\nremedy\n');
    expect(lastWords(path, begin)).toEqual(['CONFIG_INVALID: two', 'MINER_TYPE="x"', 'remedy']);
  });

  it('are the whole file if a new file replaced the old one', () => {
    const path = join(temporaryFolderPath(), 'log');
    writeFileSync(path, 'one\n');
    expect(lastWords(path, 1_000)).toEqual(['one']);
  });

  it('are few, and hold nothing that a terminal would obey', () => {
    const path = join(temporaryFolderPath(), 'log');
    writeFileSync(path, `${'a line of some length\n'.repeat(10_000)}\u001B[2J\u202Eend\n`);
    const words = lastWords(path, 0);
    expect(words).toHaveLength(12);
    expect(words.at(-1)).toBe(' [2J end');
  });

  it('are none if there is no file', () => {
    expect(lastWords(join(temporaryFolderPath(), 'none'), 0)).toEqual([]);
  });
});
