import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import sharp from 'sharp';
import { verifySignature } from '../../epistula/signature-verifier.ts';
import type { InputContract } from '../../inference/contract/contract.ts';
import { runDecoder } from '../../media/clips/decoder-process.ts';
import { sampleVideo } from '../../media/clips/video.ts';
import { probeVideo } from '../../media/clips/video-probe.ts';
import { fitFrames } from '../../media/fitting/fit-frames.ts';
import type { Fit } from '../../media/frames.ts';
import { decodeImage } from '../../media/pictures/image.ts';
import type { TemporaryFolder } from '../../state/temporary-file.ts';
import { developmentWallet } from '../../wallet/development.ts';
import type { MachineCosts } from './burst.ts';
import { cpuMs } from './cpu-time.ts';

/**
 * Time of one core for everything before the model. It is processor time, so other work on the machine hardly changes it.
 */
export interface MeasuredCosts extends MachineCosts {
  /** Null if the costs of clips were measured; otherwise why the costs of a usual server are taken. */
  readonly clipCostsAssumed: string | null;
}

interface MeasureOptions {
  readonly input: InputContract;
  readonly temporary: TemporaryFolder;
  readonly signal: AbortSignal;
}

const BYTES_PER_MB = 1_000_000;
/** Noise is the slowest content: a JPEG of quality 75, as validators send, of 1.4 MB. */
const PICTURE_EDGE = 2048;
const REPEATS = 5;
const HASH_BYTES = 8 * BYTES_PER_MB;
/** 2 MB of lossless RGB H.264. With more noise, a megabyte takes less time. */
const CLIP = {
  source: 'testsrc2=s=1280x720:r=30,noise=alls=1:allf=t',
  frames: 6,
  mostBytes: 16 * BYTES_PER_MB,
};
const CLIP_REPEATS = 3;
const CLIP_TIME_LIMIT_MS = 60_000;
/** Those of one core of a usual server, if they cannot be measured. */
const USUAL_CLIP_COSTS = { clipProbeMs: 200, clipMsPerMb: 130 };

/**
 * Measures signatures, hashes, and decoding to the size that the model takes, on generated media.
 * @throws the signal's reason once it is aborted
 */
export async function measureMachine({ input, temporary, signal }: MeasureOptions): Promise<MeasuredCosts> {
  const [verifyMs, hashMsPerMb] = [await measureVerification(), await measureHash()];
  const picture = await measurePicture(input.fit, signal);
  const clip = await measureClip(input, temporary, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return { ...USUAL_CLIP_COSTS, clipCostsAssumed: reason };
  });
  return { cores: availableParallelism(), verifyMs, hashMsPerMb, ...picture, ...clip };
}

async function measureVerification(): Promise<number> {
  await cryptoWaitReady();
  const { sign, hotkeyAddress } = developmentWallet('//Alice');
  const message = 'a message';
  const signature = `0x${Buffer.from(sign(message)).toString('hex')}`;
  return cpuMs(REPEATS, () => verifySignature(message, signature, hotkeyAddress));
}

async function measureHash(): Promise<number> {
  const bytes = Buffer.alloc(HASH_BYTES);
  const ms = await cpuMs(REPEATS, () => createHash('sha256').update(bytes).digest());
  return (ms * BYTES_PER_MB) / HASH_BYTES;
}

async function measurePicture(
  fit: Fit,
  signal: AbortSignal,
): Promise<{ pictureMs: number; pictureMb: number }> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  const bytes = await sharp({
    create: { width: PICTURE_EDGE, height: PICTURE_EDGE, channels: 3, background: 'black', noise },
  })
    .jpeg({ quality: 75 })
    .toBuffer();
  // In this process, whose time is counted. The miner decodes in another process, which takes as long.
  const pictureMs = await cpuMs(REPEATS, async () => fitFrames(await decodeImage(bytes), fit, { signal }));
  return { pictureMs, pictureMb: bytes.length / BYTES_PER_MB };
}

async function measureClip(
  { frames, fit }: InputContract,
  temporary: TemporaryFolder,
  signal: AbortSignal,
): Promise<{ clipProbeMs: number; clipMsPerMb: number; clipCostsAssumed: null }> {
  const file = await temporary.create(CLIP.mostBytes);
  try {
    const { succeeded, complaint } = await runDecoder({
      program: 'ffmpeg',
      args: [
        ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i', CLIP.source],
        ...['-frames:v', String(CLIP.frames), '-c:v', 'libx264rgb', '-crf', '0', '-preset', 'veryfast'],
        ...['-pix_fmt', 'rgb24', '-threads', '1', '-fs', String(CLIP.mostBytes), '-movflags', '+faststart'],
        ...['-f', 'mp4', '-y', `file:${file.path}`],
      ],
      signal,
      cpuLimitS: CLIP_TIME_LIMIT_MS / 1000,
      onOutput: () => undefined,
    });
    if (!succeeded) throw new Error(complaint);
    const clipProbeMs = await cpuMs(CLIP_REPEATS, () => probeVideo(file.path, { signal }));
    const options = { frames: Math.min(frames, CLIP.frames), fit, signal, timeLimitMs: CLIP_TIME_LIMIT_MS };
    const sampleMs = await cpuMs(CLIP_REPEATS, () => sampleVideo(file.path, { ...options, threads: 1 }));
    const clipMb = (await stat(file.path)).size / BYTES_PER_MB;
    return { clipProbeMs, clipMsPerMb: Math.max(0, sampleMs - clipProbeMs) / clipMb, clipCostsAssumed: null };
  } finally {
    await file.remove();
  }
}
