import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { instanceNamed } from '../../src/pm2/instance.ts';
import { ownProcesses, requireSameHotkey } from '../../src/pm2/own-processes.ts';
import type { Pm2Process } from '../../src/pm2/process-list.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

let here: string;
let elsewhere: string;
beforeEach(() => {
  const folder = temporaryFolderPath();
  [here, elsewhere] = [join(folder, 'here'), join(folder, 'elsewhere')];
  mkdirSync(here);
  mkdirSync(elsewhere);
});

let nextId = 0;
const process = (name: string, cwd: string, hotkey?: string): Pm2Process => ({
  id: nextId++,
  name,
  pid: 4711,
  status: 'online',
  cwd,
  exitCode: undefined,
  restarts: 0,
  hotkey,
  adminPort: undefined,
});

describe('the own processes of an instance', () => {
  it('are those of its name, and no other miners and programs', () => {
    const own = process('sn34-miner-two', here);
    const others = ['sn34-miner', 'sn34-miner-three', 'sn34-detector', 'web'].map((name) =>
      process(name, here),
    );
    expect(ownProcesses([...others, own], instanceNamed('two'), here)).toEqual([own]);
  });

  it('are, for the one without a name, also those that pm2 has from before there were instances', () => {
    const own = ['sn34-miner', 'sn34-detector', 'sn34-segmenter'].map((name) => process(name, here));
    const foreign = process('sn34-detector', elsewhere);
    expect(ownProcesses([foreign, ...own], instanceNamed(''), here)).toEqual(own);
  });

  it('are found through a link to the folder', () => {
    const link = join(here, '..', 'link');
    symlinkSync(here, link);
    const own = process('sn34-miner', link);
    expect(ownProcesses([own], instanceNamed(''), here)).toEqual([own]);
  });

  it('are never those of another folder: its name is taken', () => {
    expect(() => ownProcesses([process('sn34-miner', elsewhere)], instanceNamed(''), here)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INSTANCE_TAKEN',
        message: `pm2 runs a miner of ${elsewhere} under the name sn34-miner`,
      }),
    );
  });
});

describe('processes that are to be replaced', () => {
  it('may be of the same hotkey, or of one that nobody noted', () => {
    requireSameHotkey([process('sn34-miner', here, '5A'), process('sn34-detector', here)], '5A');
  });

  it('may not be of another hotkey', () => {
    expect(() => requireSameHotkey([process('sn34-miner', here, '5A')], '5B')).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INSTANCE_TAKEN',
        message: 'pm2 runs the hotkey 5A under the name sn34-miner, and the settings name 5B',
      }),
    );
  });
});
