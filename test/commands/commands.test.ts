import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeClip, makeJpeg, makePixels } from '../fixtures/media.ts';
import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

async function run(argv: readonly string[], env?: Record<string, string>): Promise<MinerProcess> {
  const child = await spawnMiner(argv, env);
  onTestFinished(child.close);
  return child;
}

describe('the program', () => {
  it.each([
    [['--help'], 0],
    [[], 0],
    [['strat'], 10],
  ])('with %j prints how it is used', async (argv, code) => {
    const child = await run(argv);
    expect(await child.ended).toBe(code);
    expect(child.output()).toContain('Usage: node dist/main.js COMMAND');
  });
});

describe('the words of an error', () => {
  it.each([
    ['that changes colours', '\u001b[31mred'],
    ['that rings', '\u0007bell'],
    ['that takes back what was written', 'good\b\b\b\bevil\r'],
    ['of the upper control characters', '\u009b31mred'],
  ])('hold no control character of a file name %s', async (_, name) => {
    const child = await run(['config', '--settings', name]);
    expect(await child.ended).not.toBe(0);
    expect(child.output()).toContain('CONFIG_FILE_MISSING');
    expect(child.output()).toMatch(/^[\P{Cc}\n]*$/u);
  });

  it('show nothing that a terminal obeys, whatever the names in it are', async () => {
    const odd = 'no\u001b[31m\u009b2J\u202e\u2028\u007fmodel';
    const child = await run(['inspect', join(temporaryFolderPath(), odd)]);
    expect(await child.ended).toBe(13);
    expect(child.output()).toMatch(/^MODEL_NOT_FOUND: there is no .*no \[31m 2J {3}model\n/);
    expect(child.output()).not.toMatch(/(?!\n)\p{Cc}|[\u2028-\u202e]/u);
  });
});

describe('config', () => {
  const settings = (text: string) => {
    const path = join(temporaryFolderPath(), '.env.miner');
    writeFileSync(path, text);
    return ['--settings', path];
  };

  it('prints each setting with its origin, and warnings', async () => {
    const argv = settings('NETWORK=local\nNETUID=7\nAXON_PROT=1\n');
    const child = await run(['config', ...argv], { WALLET_NAME: 'mine' });
    expect(await child.ended).toBe(0);
    expect(child.output()).toContain(`NETUID=7  # ${argv[1]}`);
    expect(child.output()).toContain('WALLET_NAME=mine  # environment WALLET_NAME');
    expect(child.output()).toContain('DEVNET_BLOCK_TIME_MS=12000  # default');
    expect(child.output()).toMatch(/warning: .*AXON_PROT; did you mean AXON_PORT/);
  });

  it('prints one bare value', async () => {
    const child = await run(['config', '--only', 'MINER_TYPE', ...settings('MINER_TYPE=Segmenter')]);
    expect(await child.ended).toBe(0);
    expect(child.output()).toBe('segmenter\n');
  });

  it('refuses a setting that is not there', async () => {
    const child = await run(['config', '--only', 'MINER', ...settings('')]);
    expect(await child.ended).toBe(10);
  });
});

describe('devnet', () => {
  it('runs a chain alone until it is asked to end', async () => {
    const child = await run(['devnet']);
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
  it('prints the answers for a picture, a clip and a mask, and says when nobody answers', async () => {
    const folder = temporaryFolderPath();
    const picture = join(folder, 'picture.jpg');
    const clip = join(folder, 'clip.mp4');
    writeFileSync(picture, await makeJpeg({ width: 60, height: 40, seed: 1 }));
    writeFileSync(clip, await makeClip({ width: 64, height: 48, frames: 5, seed: 1 }));
    const detector = await run(['start', '--dev']);
    const segmenter = await run(['start', '--dev', '--miner-type', 'segmenter']);
    await Promise.all([detector.ready(), segmenter.ready()]);
    const probe = async (miner: MinerProcess, file: string, type = 'detector') => {
      const child = await run(['probe', file, '--axon.port', String(miner.axonPort), '--miner-type', type]);
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
    const unanswered = await run(['probe', picture, '--axon.port', String(detector.axonPort)]);
    expect(await unanswered.ended).toBe(1);
    expect(unanswered.output()).toContain('PROBE_UNANSWERED');
  }, 60_000);
});

describe('decode', () => {
  it('prints the size and the hash of the pixels of each file, and writes those of one', async () => {
    const folder = temporaryFolderPath();
    const picture = join(folder, 'picture.jpg');
    const clip = join(folder, 'clip.mp4');
    const out = join(folder, 'pixels.rgb');
    const size = { width: 9, height: 5, seed: 1 };
    const pixels = Buffer.concat([0, 1, 2].map((frame) => makePixels(size, frame)));
    writeFileSync(picture, await makeJpeg({ width: 60, height: 40, seed: 1 }));
    writeFileSync(clip, await makeClip({ ...size, frames: 3 }));

    const both = await run(['decode', picture, clip]);
    expect(await both.ended).toBe(0);
    const lines = both.output().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { width: 60, height: 40, frames: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { width: 9, height: 5, frames: 3, sha256: createHash('sha256').update(pixels).digest('hex') },
    ]);
    expect(await (await run(['decode', clip, '--out', out])).ended).toBe(0);
    expect(readFileSync(out).equals(pixels)).toBe(true);
  });

  it('names the file that it cannot decode', async () => {
    const text = join(temporaryFolderPath(), 'text');
    writeFileSync(text, 'no picture');
    const child = await run(['decode', text]);
    expect(await child.ended).toBe(1);
    expect(child.output()).toContain(`MEDIA_UNSUPPORTED: ${text}: `);
  });

  it.each([[[]], [['a', 'b', '--out', 'c']], [['a', '--ouf', 'c']]])(
    'with %j says what it takes',
    async (argv) => {
      const child = await run(['decode', ...argv]);
      expect(await child.ended).toBe(10);
      expect(child.output()).toContain('decode FILE... [--out FILE]');
    },
  );
});
