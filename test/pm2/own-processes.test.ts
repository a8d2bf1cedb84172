import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { instanceNamed } from '../../src/pm2/instance.ts';
import {
  ownProcesses,
  requireOneMiner,
  requireSameHotkey,
  requireUnchanged,
} from '../../src/pm2/own-processes.ts';
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

const ENDED = { pid: undefined, status: 'stopped' };
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

  it('include, for the instance without a name, those with a name from before there were instances', () => {
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

  it('never include those of another folder, whose name is taken', () => {
    expect(() => ownProcesses([process('sn34-miner', elsewhere)], instanceNamed(''), here)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INSTANCE_TAKEN',
        message: `pm2 runs a miner of ${elsewhere} under the name sn34-miner`,
      }),
    );
  });
});

describe('processes that a new miner replaces', () => {
  const PROGRAM = '/opt/pm2';

  it('may have the same hotkey', () => {
    const own = [process('sn34-miner', here, '5A'), { ...process('sn34-detector', here), ...ENDED }];
    requireSameHotkey(own, '5A', instanceNamed(''), PROGRAM);
  });

  it('may not have a former name and an unknown hotkey; the error shows the command that ends one', () => {
    const silent = process('sn34-detector', here);
    expect(() => requireSameHotkey([silent], '5A', instanceNamed(''), PROGRAM)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INSTANCE_TAKEN',
        message: expect.stringContaining(`\n  /opt/pm2 delete ${silent.id}`),
      }),
    );
  });

  it.each([{}, { pid: undefined, status: 'waiting restart' }])(
    'may not be two miners of former names, such as %j: the lines that end them are named',
    (facts) => {
      const [one, two] = [process('sn34-detector', here, '5A'), process('sn34-segmenter', here, '5B')];
      const own = [one, { ...two, ...facts }];
      expect(() => requireOneMiner(own, instanceNamed(''), PROGRAM)).toThrow(
        expect.objectContaining({
          code: 'CONFIG_INSTANCE_TAKEN',
          message: expect.stringMatching(
            new RegExp(`\n  /opt/pm2 delete ${one.id} .*\n  /opt/pm2 delete ${two.id} `),
          ),
        }),
      );
      requireOneMiner([one, { ...two, ...ENDED }], instanceNamed(''), PROGRAM);
    },
  );

  it.each<[string, (one: Pm2Process) => Pm2Process[]]>([
    ['was ended', () => []],
    ['was replaced', (one) => [{ ...one, id: one.id + 100 }]],
    ['was renamed', (one) => [{ ...one, name: 'other' }]],
    ['was started again by something else', (one) => [{ ...one, pid: 4712 }]],
    ['got a second one beside it', (one) => [one, { ...one, id: one.id + 100 }]],
  ])('may not have changed during the check: one %s', (_how, change) => {
    const one = process('sn34-miner', here, '5A');
    expect(() => requireUnchanged([one], change(one))).toThrow(
      expect.objectContaining({ code: 'PM2_PROCESS_CHANGED' }),
    );
  });

  it('may have been restarted by pm2 itself', () => {
    const one = process('sn34-miner', here, '5A');
    requireUnchanged([one], [{ ...one, pid: 4712, restarts: 1 }]);
    requireUnchanged([one], [{ ...one, pid: undefined, status: 'waiting restart', restarts: 1 }]);
    requireUnchanged([{ ...one, pid: undefined, status: 'waiting restart' }], [{ ...one, restarts: 1 }]);
  });

  it('may not have another hotkey', () => {
    expect(() =>
      requireSameHotkey([process('sn34-miner', here, '5A')], '5B', instanceNamed(''), PROGRAM),
    ).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INSTANCE_TAKEN',
        message: 'pm2 runs the hotkey 5A under the name sn34-miner, and the settings name 5B',
      }),
    );
  });
});
