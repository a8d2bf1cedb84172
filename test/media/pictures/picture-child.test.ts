import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { expect, it, onTestFinished } from 'vitest';
import {
  createMessageReader,
  encodeHead,
  type PictureMessage,
} from '../../../src/media/pictures/picture-messages.ts';
import { makeJpeg } from '../../fixtures/media.ts';
import { until } from '../../fixtures/until.ts';

const program = createRequire(import.meta.url).resolve('#picture-child');

/** A process that decodes pictures, and what it has said so far. */
function startChild() {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  child.stdin.on('error', () => undefined);
  const said: string[] = [];
  const read = createMessageReader<PictureMessage>({
    payloadLimitBytes: 1e9,
    onMessage: ({ type }) => said.push(type),
  });
  child.stdout.on('data', read);
  return { child, said };
}

it('a process that decodes pictures ends in the middle of its work when the miner is gone', async () => {
  const picture = await makeJpeg({ width: 5_000, height: 4_000, seed: 1 });
  const { child, said } = startChild();
  await until(() => said.includes('ready'));
  const fit = { mode: 'stretch', width: 8, height: 8 } as const;
  child.stdin.write(encodeHead({ type: 'decode', fit, payloadBytes: picture.length }));
  // The end of the miner is the end of this pipe.
  child.stdin.end(picture);
  const [, signal] = await once(child, 'close');
  expect([signal, said]).toEqual(['SIGKILL', ['ready']]);
});
