import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { makeClip } from '../fixtures/media.ts';
import { startMiner } from '../fixtures/miner.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';
import { createValidator } from '../fixtures/validator.ts';

const run = promisify(execFile);

const OTHERS = ['//One', '//Two', '//Three', '//Four', '//Five', '//Six'] as const;
const CLIPS_OF_EACH = 4;
/** Validators are gone then. */
const PATIENCE_MS = 11_000;

/** A clip that is small to send and takes longer to decode than a validator waits: 4K, one scene, many frames. */
async function makeDearClip(): Promise<Buffer> {
  const folder = temporaryFolderPath();
  const [scene, clip] = [join(folder, 'scene.mp4'), join(folder, 'clip.mp4')];
  const quiet = ['-nostdin', '-v', 'error'];
  await run('ffmpeg', [
    ...[...quiet, '-f', 'lavfi', '-i', 'color=gray:size=3840x2160:rate=30', '-frames:v', '60'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '40', scene],
  ]);
  await run('ffmpeg', [...quiet, '-stream_loop', '39', '-i', scene, '-c', 'copy', clip]);
  return readFile(clip);
}

it('the clips of six validators are answered beside two expensive clips of another', async () => {
  const { port, devnet, close } = await startMiner();
  onTestFinished(close);
  const others = OTHERS.map((uri) => createValidator(uri));
  const attacker = createValidator('//Attacker');
  for (const { address } of [...others, attacker]) devnet.register(address, { stakeTao: 20_000 });
  const clips = await Promise.all(
    Array.from({ length: CLIPS_OF_EACH }, (_, seed) =>
      makeClip({ width: 96, height: 96, frames: 16, seed: seed + 1 }),
    ),
  );
  const dear = await makeDearClip();

  const ask = async (validator: (typeof others)[number], body: Buffer): Promise<number | undefined> => {
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      return (await validator.post(port, '/detect_video', body, { signal })).status;
    } catch {
      return undefined;
    }
  };
  const askOthers = async () => {
    const startedAt = performance.now();
    const statuses = await Promise.all(others.flatMap((other) => clips.map((clip) => ask(other, clip))));
    const answered = statuses.filter((status) => status === 200).length;
    return { answered, lastAfterS: Math.round((performance.now() - startedAt) / 100) / 10 };
  };

  const calm = await askOthers();
  const attack = Promise.all([ask(attacker, dear), ask(attacker, dear)]);
  const attacked = await askOthers();
  const attackerGot = await attack;
  process.stdout.write(`${JSON.stringify({ calm, attacked, dearClipBytes: dear.length, attackerGot })}\n`);
  expect(calm.answered).toBeGreaterThan(0);
  expect(attacked.answered).toBeGreaterThanOrEqual(0.95 * calm.answered);
});
