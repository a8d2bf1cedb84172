import type { Engines } from '../answering/answerer.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { createOnnxEngine } from '../inference/onnx-engine.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import type { Logger } from '../telemetry/logger.ts';

interface OpenEnginesParts {
  readonly temporary: TemporaryFolder;
  /** Where private copies of the models are kept: on disk. */
  readonly copiesFolder: string;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Begins to load the models of this miner type. The caller closes them. */
export function openEngines(
  { minerType, models, device }: Pick<MinerConfig, 'minerType' | 'models' | 'device'>,
  { temporary, copiesFolder, logger, clock = systemClock }: OpenEnginesParts,
): Engines {
  const engine = (task: 'image' | 'video' | 'mask', modelPath: string) =>
    createOnnxEngine({ task, modelPath, device, temporary, copiesFolder, logger, clock });
  return minerType === 'segmenter'
    ? { mask: engine('mask', models.segmenter) }
    : { image: engine('image', models.image), video: engine('video', models.video) };
}
