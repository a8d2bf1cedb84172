import { expect, it } from 'vitest';
import { startAxon } from '../fixtures/axon.ts';
import { until } from '../fixtures/until.ts';
import { createValidator } from '../fixtures/validator.ts';

it('a clip that waits for the model leaves its slot to the next clip, a clip that is being decoded does not', async () => {
  const asked: Array<{ decoded: () => void; answer: () => void }> = [];
  const { port } = await startAxon({
    videoConcurrency: 1,
    signers: { signer: () => ({ uid: 0, stakeTao: 1_000_000 }) },
    answer: (_task, _media, { onClipDecoded }) =>
      new Promise((resolve) => {
        asked.push({
          decoded: () => onClipDecoded?.(),
          answer: () => resolve({ kind: 'probabilities', values: [1, 0, 0] }),
        });
      }),
  });
  const clip = Buffer.from('clip');
  const first = createValidator('//Alice').post(port, '/detect_video', clip);
  await until(() => asked.length === 1);
  const second = createValidator('//Charlie').post(port, '/detect_video', clip);
  // Whatever comes after it has been answered, so the second clip waits for its turn.
  const picture = createValidator('//Dave').post(port, '/detect_image', clip);
  await until(() => asked.length === 2);
  asked[1]?.answer();
  expect((await picture).status).toBe(200);
  expect(asked).toHaveLength(2);
  asked[0]?.decoded();
  await until(() => asked.length === 3);
  for (const { answer } of asked) answer();
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
});
