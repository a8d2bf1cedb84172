import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { runTrainingPython } from './training-python.ts';

/** Validators' augmentation levels. */
export const LEVELS = [0, 1, 2, 3] as const;

const manifestSchema = z.array(
  z.object({
    path: z.string(),
    modality: z.enum(['image', 'video']),
    label: z.int().min(0).max(2),
    level: z.int().min(0).max(3),
    mask: z.string().nullable(),
  }),
);

/** One picture or clip as a validator sends it; paths are absolute. */
export type Challenge = z.infer<typeof manifestSchema>[number];

interface ChallengeOptions {
  readonly folder: string;
  /** At each level, a third of each class. */
  readonly pictures: number;
  readonly clips: number;
  readonly seed: number;
}

/** Makes procedural media that nothing was trained on, augmented and encoded as validators do. */
export async function makeChallenges({
  folder,
  pictures,
  clips,
  seed,
}: ChallengeOptions): Promise<Challenge[]> {
  const counts = ['--pictures', String(pictures), '--clips', String(clips)];
  await runTrainingPython(['-m', 'sn34.challenges', '--out', folder, '--seed', String(seed), ...counts]);
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')));
  return manifest.map((challenge) => ({
    ...challenge,
    path: join(folder, challenge.path),
    mask: challenge.mask === null ? null : join(folder, challenge.mask),
  }));
}
