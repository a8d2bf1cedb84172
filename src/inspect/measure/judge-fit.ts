import { cpus, totalmem } from 'node:os';
import type { ModelFacts } from '../../inference/worker/messages.ts';
import type { FitReport, SpeedReport } from '../report.ts';
import { burstSentence, CLIP_SIZES_MB, decodedShareOf, judgeBurst, timeAlone } from './burst.ts';
import type { MeasuredCosts } from './machine-costs.ts';

/**
 * Whether a model on this machine answers validators in time.
 * @param loadAverage of the machine before the measurements
 */
export function judgeFit(
  costs: MeasuredCosts,
  { contract, provider }: ModelFacts,
  speed: SpeedReport,
  loadAverage: number,
): FitReport {
  const { task } = contract;
  const model = {
    task,
    provider,
    answerMs: speed.answer.p50Ms,
    decodedShare: decodedShareOf(contract.input),
  };
  const sizes = task === 'video' ? [CLIP_SIZES_MB.plain, CLIP_SIZES_MB.noisy] : [CLIP_SIZES_MB.plain];
  const bursts = sizes.map((clipMb) => judgeBurst(costs, model, clipMb));
  return {
    machine: { cpu: cpus()[0]?.model ?? 'unknown', memoryBytes: totalmem(), loadAverage },
    costs,
    aloneMs: timeAlone(costs, model, CLIP_SIZES_MB.plain),
    bursts,
    fits: bursts[0]?.answeredInTime === bursts[0]?.requests,
    verdicts: bursts.map((burst) => burstSentence(burst, costs)),
  };
}
