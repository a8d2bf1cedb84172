import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flagsOf } from '../../src/config/flags.ts';
import { SETTING_KEYS } from '../../src/config/schema.ts';
import { makeClip, makeJpeg, makePixels } from '../fixtures/media.ts';
import type { MinerProcess } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { runCommand, writeSettings } from './run-command.ts';

const ROOT = join(import.meta.dirname, '../..');

const COMMANDS = ['start', 'check', 'status', 'config', 'pm2', 'devnet', 'probe', 'decode', 'inspect'];
const PM2_COMMANDS = ['pm2 start', 'pm2 status', 'pm2 stop', 'pm2 logs'];

describe('the program', () => {
  it.each([[['--help']], [['help']], [[]]])('with %j prints its commands', async (argv) => {
    const child = await runCommand(argv);
    expect(await child.ended).toBe(0);
    expect(child.output()).toContain('Usage: node dist/main.js COMMAND');
    for (const command of COMMANDS) expect(child.output()).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it.each([...COMMANDS, ...PM2_COMMANDS])('explains the command %s', async (command) => {
    const words = command.split(' ');
    const [flag, asked] = await Promise.all([
      runCommand([...words, '--help']),
      runCommand(['help', ...words]),
    ]);
    expect([await flag.ended, await asked.ended]).toEqual([0, 0]);
    expect(flag.output()).toContain(`Usage: node dist/main.js ${command} `);
    expect(asked.output()).toContain(`Usage: node dist/main.js ${words[0]} `);
  });

  it('shows the flag of every setting in the help of a command that takes them', async () => {
    const child = await runCommand(['start', '--help']);
    expect(await child.ended).toBe(0);
    for (const key of SETTING_KEYS) expect(child.output()).toContain(`--${flagsOf(key)[0]} `);
  });

  it('prints the version of package.json', async () => {
    const child = await runCommand(['--version']);
    expect(await child.ended).toBe(0);
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(child.output()).toBe(`${version}\n`);
  });

  it.each<[string[], string]>([
    [['strat'], "unknown command 'strat'\n(Did you mean start?)"],
    [['pm2', 'stauts'], "unknown command 'stauts'\n(Did you mean status?)"],
    [['pm2'], 'name a command: start, status, stop, logs'],
    [['pm2', 'start', '--dev'], "unknown option '--dev'"],
    [['help', 'strat'], 'name a command: start, check,'],
    [['start', '--axon.prot', '1'], "unknown option '--axon.prot'\n(Did you mean --axon.port?)"],
    [['start', '--axon.prot=1'], "unknown option '--axon.prot'\n(Did you mean --axon.port?)"],
    [['check', '--replace', '1'], '(Did you mean --replaces?)'],
    [['config', '--onyl', 'NETUID'], '(Did you mean --only?)'],
    [['devnet', '--devnet-prot', '1'], '(Did you mean --devnet-port?)'],
    [['probe'], "missing required argument 'FILE'\nUsage: node dist/main.js probe FILE [flags]"],
    [['start', 'now'], "too many arguments for 'start'"],
    [['start', '--netuid'], "'--netuid <value>' argument missing"],
    [['start', '--wallet.name', '--dev'], "'--wallet.name <value>' argument missing"],
  ])('with %j ends with CONFIG_INVALID and says what is wrong', async (argv, words) => {
    const child = await runCommand(argv);
    expect(await child.ended).toBe(10);
    expect(child.output()).toMatch(/^CONFIG_INVALID: /);
    expect(child.output()).toContain(words);
    expect(child.output()).toContain('Usage: node dist/main.js ');
  });
});

describe('the text of an error', () => {
  it.each([
    ['that changes colours', '\u001b[31mred'],
    ['that rings', '\u0007bell'],
    ['that takes back what was written', 'good\b\b\b\bevil\r'],
    ['of the upper control characters', '\u009b31mred'],
  ])('holds no control character of a file name %s', async (_, name) => {
    const child = await runCommand(['config', '--settings', name]);
    expect(await child.ended).not.toBe(0);
    expect(child.output()).toContain('CONFIG_FILE_MISSING');
    expect(child.output()).toMatch(/^[\P{Cc}\n]*$/u);
  });

  it('holds nothing that a terminal would obey, whatever the names in it', async () => {
    const odd = 'no\u001b[31m\u009b2J\u202e\u2028\u007fmodel';
    const child = await runCommand(['inspect', join(temporaryFolderPath(), odd)]);
    expect(await child.ended).toBe(13);
    expect(child.output()).toMatch(/^MODEL_NOT_FOUND: there is no .*no \[31m 2J {3}model\n/);
    expect(child.output()).not.toMatch(/(?!\n)\p{Cc}|[\u2028-\u202e]/u);
  });
});

describe('config', () => {
  it('config prints each setting with its origin, and warnings', async () => {
    const argv = writeSettings({ NETWORK: 'local', NETUID: '7', AXON_PROT: '1' });
    const child = await runCommand(['config', ...argv], { WALLET_NAME: 'mine' });
    expect(await child.ended).toBe(0);
    expect(child.output()).toContain(`NETUID=7  # ${argv[1]}`);
    expect(child.output()).toContain('WALLET_NAME=mine  # environment WALLET_NAME');
    expect(child.output()).toContain('DEVNET_BLOCK_TIME_MS=12000  # default');
    expect(child.output()).toMatch(/warning: .*AXON_PROT; did you mean AXON_PORT/);
  });

  it('config --only prints the value alone', async () => {
    const child = await runCommand([
      'config',
      '--only',
      'MINER_TYPE',
      ...writeSettings({ MINER_TYPE: 'Segmenter' }),
    ]);
    expect(await child.ended).toBe(0);
    expect(child.output()).toBe('segmenter\n');
  });

  it('config --only refuses an unknown setting', async () => {
    const child = await runCommand(['config', '--only', 'MINER', ...writeSettings({})]);
    expect(await child.ended).toBe(10);
  });
});

describe('devnet', () => {
  it('devnet runs a development chain until a signal ends it', async () => {
    const child = await runCommand(['devnet']);
    expect(await child.ready()).toBe(`READY chain=ws://127.0.0.1:${child.devnetPort}`);
    const answer = await fetch(`http://127.0.0.1:${child.devnetPort}`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'devnet_state', params: [] }),
    });
    expect(await answer.text()).toContain('5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY');
    child.child.kill('SIGTERM');
    expect(await child.ended).toBe(0);
  });
});

describe('probe', () => {
  it('probe prints the answer for a picture, a clip and a mask, and says if no miner answers', async () => {
    const folder = temporaryFolderPath();
    const picture = join(folder, 'picture.jpg');
    const clip = join(folder, 'clip.mp4');
    writeFileSync(picture, await makeJpeg({ width: 60, height: 40, seed: 1 }));
    writeFileSync(clip, await makeClip({ width: 64, height: 48, frames: 5, seed: 1 }));
    const detector = await runCommand(['start', '--dev']);
    const segmenter = await runCommand(['start', '--dev', '--miner-type', 'segmenter']);
    await Promise.all([detector.ready(), segmenter.ready()]);
    const probe = async (miner: MinerProcess, file: string, type = 'detector') => {
      const child = await runCommand([
        'probe',
        file,
        '--axon.port',
        String(miner.axonPort),
        '--miner-type',
        type,
      ]);
      expect(await child.ended).toBe(0);
      return child.output();
    };
    expect(await probe(detector, picture)).toMatch(
      /POST \/detect_image: 200 after \d+ ms\n\{"status":"success"/,
    );
    expect(await probe(detector, clip)).toMatch(/POST \/detect_video: 200 /);
    expect(await probe(segmenter, picture, 'segmenter')).toMatch(/mask 40,60 .* % marked/);
    detector.child.kill('SIGTERM');
    await detector.ended;
    const unanswered = await runCommand(['probe', picture, '--axon.port', String(detector.axonPort)]);
    expect(await unanswered.ended).toBe(1);
    expect(unanswered.output()).toContain('PROBE_UNANSWERED');
  }, 60_000);
});

describe('decode', () => {
  it('decode prints the size and the hash of the pixels of each file, and writes the pixels of one file', async () => {
    const folder = temporaryFolderPath();
    const picture = join(folder, 'picture.jpg');
    const clip = join(folder, 'clip.mp4');
    const out = join(folder, 'pixels.rgb');
    const size = { width: 9, height: 5, seed: 1 };
    const pixels = Buffer.concat([0, 1, 2].map((frame) => makePixels(size, frame)));
    writeFileSync(picture, await makeJpeg({ width: 60, height: 40, seed: 1 }));
    writeFileSync(clip, await makeClip({ ...size, frames: 3 }));

    const both = await runCommand(['decode', picture, clip]);
    expect(await both.ended).toBe(0);
    const lines = both.output().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { width: 60, height: 40, frames: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { width: 9, height: 5, frames: 3, sha256: createHash('sha256').update(pixels).digest('hex') },
    ]);
    expect(await (await runCommand(['decode', clip, '--out', out])).ended).toBe(0);
    expect(readFileSync(out).equals(pixels)).toBe(true);
  });

  it('decode names the file that it cannot decode', async () => {
    const text = join(temporaryFolderPath(), 'text');
    writeFileSync(text, 'no picture');
    const child = await runCommand(['decode', text]);
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain(`MEDIA_UNSUPPORTED: ${text}: `);
  });

  it.each([[[]], [['a', 'b', '--out', 'c']], [['a', '--ouf', 'c']]])(
    'decode with %j shows its usage',
    async (argv) => {
      const child = await runCommand(['decode', ...argv]);
      expect(await child.ended).toBe(10);
      expect(child.output()).toContain('Usage: node dist/main.js decode FILE... [--out FILE]');
    },
  );
});
