import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeJpeg } from '../fixtures/media.ts';
import { type MinerProcess, spawnMiner } from '../fixtures/miner-process.ts';
import { BOB } from '../fixtures/validator.ts';
import { runPython } from './python.ts';
import { pythonOf } from './python-environments.ts';

/** What a dendrite says of one answer. */
interface Report {
  readonly success: boolean;
  readonly status: number;
  readonly message: string;
  readonly prediction: readonly number[];
  readonly nonce: string;
  readonly axonHotkey: string;
  readonly axonVersion: number;
  readonly processTime: string;
  readonly mediaKept?: boolean;
}

type Case =
  | 'image'
  | 'video'
  | 'stranger'
  | 'poor'
  | 'unknown'
  | 'damaged'
  | 'noMedia'
  | 'hashed'
  | 'wrongKey'
  | 'stale';
type Reports = Readonly<Record<Case, Report>> & {
  readonly parallel: readonly boolean[];
  readonly replay: readonly Report[];
};

describe.each(['sdk-9', 'sdk-10'] as const)('the dendrite of %s', (sdk) => {
  describe.skipIf(pythonOf(sdk).missing)('with a Python environment', () => {
    let miner: MinerProcess;
    let folder: string;
    let reports: Reports;

    beforeAll(async () => {
      miner = await spawnMiner(['start', '--dev']);
      await miner.ready();
      folder = await mkdtemp(join(tmpdir(), 'interop-synapse-'));
      const frames = Array.from({ length: 12 }, (_, frame) => join(folder, `${frame}.jpg`));
      for (const [seed, path] of frames.entries()) {
        await writeFile(path, await makeJpeg({ width: 256, height: 256, seed }));
      }
      const input = { port: miner.axonPort, frames, home: folder };
      reports = await runPython<Reports>(sdk, 'synapse.py', input);
    });
    afterAll(async () => {
      await miner.close();
      await rm(folder, { recursive: true });
    });

    it.each(['image', 'video'] as const)('the dendrite gets an answer to the %s', (name) => {
      const report = reports[name];
      expect(report).toMatchObject({
        success: true,
        status: 200,
        message: 'Success',
        mediaKept: true,
        axonHotkey: BOB,
        axonVersion: 9_003_000,
      });
      expect(report.prediction).toHaveLength(3);
      expect(report.prediction.reduce((sum, value) => sum + value)).toBeCloseTo(1, 9);
      expect(report.nonce).toMatch(/^[0-9]{19}$/);
      expect(Number(report.processTime)).toBeGreaterThan(0);
    });

    it('the dendrite may ask many times at once', () => {
      expect(reports.parallel).toEqual(Array(12).fill(true));
    });

    it.each<[Case, number, RegExp]>([
      ['stranger', 403, /^Forbidden\. Key is blacklisted: Signer not in metagraph\.$/],
      ['poor', 403, /^Forbidden\. Key is blacklisted: Signer stake 100 is below 10000\.$/],
      ['wrongKey', 401, /^Not Verified with error: Signature Mismatch$/],
      ['stale', 401, /^Not Verified with error: Nonce is too old$/],
      [
        'unknown',
        404,
        /^Synapse name 'AudioSynapse' not found\. Available synapses \['ImageSynapse', 'VideoSynapse'\]$/,
      ],
      ['hashed', 500, /^Internal Server Error #[0-9a-f-]{36}$/],
      ['damaged', 422, /cannot be decoded/],
      ['noMedia', 415, /no media/],
    ])('sees why the case "%s" was refused', (name, status, message) => {
      expect(reports[name]).toMatchObject({ success: false, status });
      expect(reports[name].message).toMatch(message);
    });

    it('a request that is sent twice gets one answer', () => {
      expect(reports.replay.map(({ success, status }) => [success, status])).toEqual([
        [true, 200],
        [false, 401],
      ]);
      expect(reports.replay[1]?.message).toBe('Not Verified with error: request was already served');
    });
  });
});
