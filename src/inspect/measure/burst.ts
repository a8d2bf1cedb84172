import { REPLY_MARGIN_MS, VALIDATOR_TIMEOUT_MS } from '../../admission/deadline.ts';
import { concurrencyOn } from '../../config/concurrency.ts';
import type { InputContract } from '../../inference/contract/contract.ts';
import type { Task } from '../../inference/contract/model-json.ts';

/** What answering costs on this machine, as measured; a megabyte is 1,000,000 bytes. */
export interface MachineCosts {
  readonly cores: number;
  /** Checking one signature. */
  readonly verifyMs: number;
  readonly hashMsPerMb: number;
  /** Decoding a picture of `pictureMb` on one core, and resizing it for the model. */
  readonly pictureMs: number;
  readonly pictureMb: number;
  /** Reading a clip's size and number of frames. */
  readonly clipProbeMs: number;
  /** Decoding a clip on one core, per megabyte of it. */
  readonly clipMsPerMb: number;
}

/** The model's part. */
export interface ModelCosts {
  readonly task: Task;
  readonly provider: 'cpu' | 'cuda';
  /** From pixels to the answer for one request, with all the threads that the miner gives the model. */
  readonly answerMs: number;
  /** Share of a clip that is decoded, up to the last frame that the model looks at: 0 to 1. */
  readonly decodedShare: number;
}

/** How the time of a burst adds up. Each part is for all requests that this model answers. */
export interface BurstReport {
  readonly pictures: number;
  readonly clips: number;
  readonly clipMb: number;
  /** Share of each clip that is decoded; 1 if the model looks at its last frame. */
  readonly decodedShare: number;
  /** The requests that this model answers; another model answers the others. */
  readonly kind: 'pictures' | 'clips';
  readonly requests: number;
  readonly provider: 'cpu' | 'cuda';
  /** The model's time for one of them, on the whole machine. */
  readonly answerMs: number;
  /** Share of the machine for this model's requests; the rest decodes the clips of the same burst. */
  readonly machineShare: number;
  readonly uploadMs: number;
  readonly verifyMs: number;
  readonly decodeMs: number;
  readonly modelMs: number;
  readonly replyMs: number;
  readonly totalMs: number;
  readonly limitMs: number;
  /** Time left; negative if the limit is passed. */
  readonly marginMs: number;
  /** Of `requests`, in the order of arrival. */
  readonly answeredInTime: number;
  /** How much faster the machine must be to answer all of them, with the same network; 1 or less if they fit. */
  readonly speedNeeded: number;
  /** The same with a model that takes no time, as on a fast GPU. */
  readonly speedNeededWithoutModel: number;
}

/** Validators all ask at the same block: about 20 requests at once, half of them videos. */
export const BURST_REQUESTS = 20;
/** The assumed speed of the host's network. */
export const LINE_MBIT_PER_S = 1_000;
/** Validators cut clips to at most 50 million pixels: 17.5 MB if they are plain, 66 MB if they are noisy. */
export const CLIP_SIZES_MB = { plain: 17.5, noisy: 66 };
/** Frames of such a clip at 1920 × 1080. A clip of smaller frames has more, so its first ones are a smaller share. */
const CLIP_FRAMES = 24;

/** Share of a clip that is decoded for a model, 0 to 1. */
export function decodedShareOf({
  frames,
  frameStride,
}: Pick<InputContract, 'frames' | 'frameStride'>): number {
  return frameStride === 'even' ? 1 : Math.min(1, ((frames - 1) * frameStride + 1) / CLIP_FRAMES);
}

/**
 * Whether a burst, with its uploads, is answered within the 11 seconds of a validator, and how much of the machine it needs.
 * Decoding is spread over the cores. The model answers one request after the other, on the same cores or on a GPU. A segmenter
 * gets pictures only. For the pictures of a detector, half of the cores count: another model's clips in the same burst take
 * the other half.
 */
export function judgeBurst(machine: MachineCosts, model: ModelCosts, clipMb: number): BurstReport {
  const clips = model.task === 'mask' ? 0 : BURST_REQUESTS / 2;
  const pictures = BURST_REQUESTS - clips;
  const requests = model.task === 'video' ? clips : pictures;
  const machineShare = model.task === 'image' ? 0.5 : 1;
  const totalMb = pictures * machine.pictureMb + clips * clipMb;
  const uploadMs = (totalMb * 8 * 1000) / LINE_MBIT_PER_S;
  const verifyMs = BURST_REQUESTS * machine.verifyMs + totalMb * machine.hashMsPerMb;
  const pictureDecodeMs = pictures * machine.pictureMs;
  const decodedMb = clipMb * model.decodedShare;
  const clipDecodeMs = clips * (machine.clipProbeMs + decodedMb * machine.clipMsPerMb);
  const decodeMs =
    (model.task === 'video' ? pictureDecodeMs + clipDecodeMs : pictureDecodeMs) /
    (machine.cores * machineShare);
  const modelMs = (requests * model.answerMs) / (model.provider === 'cuda' ? 1 : machineShare);

  /** Time for `count` of the requests, from the arrival of their bodies. */
  const workMs = (count: number): number => {
    const decode = (decodeMs * count) / requests;
    const answers = (modelMs * count) / requests;
    return model.provider === 'cuda' ? Math.max(decode + model.answerMs, answers) : decode + answers;
  };
  const fixedMs = uploadMs + REPLY_MARGIN_MS;
  const totalMs = fixedMs + verifyMs + workMs(requests);
  let answeredInTime = requests;
  while (answeredInTime > 0 && fixedMs + verifyMs + workMs(answeredInTime) > VALIDATOR_TIMEOUT_MS) {
    answeredInTime -= 1;
  }
  const leftMs = VALIDATOR_TIMEOUT_MS - fixedMs;
  return {
    pictures,
    clips,
    clipMb: clips === 0 ? 0 : clipMb,
    decodedShare: model.decodedShare,
    kind: model.task === 'video' ? 'clips' : 'pictures',
    requests,
    provider: model.provider,
    answerMs: model.answerMs,
    machineShare,
    uploadMs,
    verifyMs,
    decodeMs,
    modelMs,
    replyMs: REPLY_MARGIN_MS,
    totalMs,
    limitMs: VALIDATOR_TIMEOUT_MS,
    marginMs: VALIDATOR_TIMEOUT_MS - totalMs,
    answeredInTime,
    speedNeeded: (verifyMs + workMs(requests)) / leftMs,
    speedNeededWithoutModel: (verifyMs + decodeMs) / leftMs,
  };
}

/** How long one request takes if the machine does nothing else; a clip is decoded on several cores. */
export function timeAlone(
  machine: MachineCosts,
  { task, answerMs, decodedShare }: ModelCosts,
  clipMb: number,
): number {
  const isClip = task === 'video';
  const bodyMb = isClip ? clipMb : machine.pictureMb;
  const decodeMs = isClip
    ? machine.clipProbeMs +
      (clipMb * decodedShare * machine.clipMsPerMb) / concurrencyOn(machine.cores).clipThreads
    : machine.pictureMs;
  const arrivalMs = (bodyMb * 8 * 1000) / LINE_MBIT_PER_S + machine.verifyMs + bodyMb * machine.hashMsPerMb;
  return arrivalMs + decodeMs + answerMs + REPLY_MARGIN_MS;
}

/**
 * Whether this machine is fast enough, in one sentence.
 * @param burst as `judgeBurst` gives it
 */
export function burstSentence(burst: BurstReport, { cores }: Pick<MachineCosts, 'cores'>): string {
  const { kind, requests, answeredInTime, totalMs, limitMs, marginMs, clips, clipMb } = burst;
  const size = clips === 0 ? '' : ` with clips of ${clipMb} MB`;
  const whole = `a burst of ${BURST_REQUESTS}${size}`;
  if (answeredInTime === requests) {
    const used = `${seconds(totalMs)} of ${seconds(limitMs)} s`;
    const mine = kind === 'clips' || clips > 0 ? `its ${requests} ${kind} in ` : '';
    return `fits: ${mine}${whole} ${mine === '' ? 'uses' : 'use'} ${used}, ${seconds(marginMs)} s to spare`;
  }
  const needs = `all of them need about ${factor(burst.speedNeeded)} times this machine's speed (some ${Math.ceil(burst.speedNeeded * cores)} such cores)`;
  return `does not fit: of its ${requests} ${kind} in ${whole}, ${answeredInTime} are answered in time; ${needs}${gpuAdvice(burst)}`;
}

function gpuAdvice({ provider, speedNeeded, speedNeededWithoutModel }: BurstReport): string {
  if (provider === 'cuda') return '';
  if (speedNeededWithoutModel <= 1) return ', or a GPU';
  if (speedNeededWithoutModel < 0.7 * speedNeeded) {
    return `, or a GPU and ${factor(speedNeededWithoutModel)} times its speed for the decoding`;
  }
  return '; a GPU would not help, since it is the decoding that takes the time';
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 1000 ? 2 : 1).replace(/\.0$/, '');
}

function factor(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
