import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createPictureDecoder } from '../../../src/media/pictures/picture-decoder.ts';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { makeJpeg } from '../../fixtures/media.ts';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';

/** A picture that takes over the process that decodes it can have that process say and write what it likes. */

let picture: Buffer;
beforeAll(async () => {
  picture = await makeJpeg({ width: 64, height: 48, seed: 1 });
});

/**
 * A decoder whose process is taken over by its first picture.
 * @param deed what it does then: JavaScript, with `say(message, payload)` and the `folder`
 */
function openTakenOver(deed: string) {
  const folder = temporaryFolderPath();
  const program = join(folder, 'taken-over.mjs');
  writeFileSync(
    program,
    `import { writeFileSync, writeSync } from 'node:fs';
    const folder = ${JSON.stringify(folder)};
    function say(message, payload = Buffer.alloc(0)) {
      const json = Buffer.from(JSON.stringify({ payloadBytes: payload.length, ...message }));
      const length = Buffer.alloc(4);
      length.writeUInt32LE(json.length);
      process.stdout.write(Buffer.concat([length, json, payload]));
    }
    say({ type: 'ready' });
    process.stdin.once('data', () => { ${deed} });
    process.stdin.on('close', () => process.exit());`,
  );
  // This script takes the place of the program that sets the limits.
  writeFileSync(join(folder, 'prlimit'), `#!/bin/sh\nexec ${process.execPath} ${program}\n`);
  chmodSync(join(folder, 'prlimit'), 0o700);
  const path = process.env.PATH;
  process.env.PATH = `${folder}:${path}`;
  const log = createCapturingLogger();
  const decoder = createPictureDecoder({ processes: 1, logger: log.logger, timeLimitMs: 10_000 });
  process.env.PATH = path;
  onTestFinished(() => decoder.close());
  const stop = new AbortController();
  const decode = () => decoder.decode(picture, { fit: { mode: 'native' }, signal: stop.signal });
  return { decode, log, folder, stop };
}

const pixels = (height: number, width: number, bytes: number) =>
  `say({ type: 'decoded', sharedBytes: 0, source: { height: ${height}, width: ${width} } }, Buffer.alloc(${bytes}));`;

describe('a process that a picture has taken over', () => {
  it('a process that answers correctly is believed', async () => {
    const { decode } = openTakenOver(pixels(2, 3, 18));
    expect((await decode()).source).toEqual({ height: 2, width: 3 });
  });

  it('a process is killed when it sends bytes that are no message', async () => {
    const { decode } = openTakenOver('process.stdout.write(Buffer.alloc(64, 0xff));');
    await expect(decode()).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: 'the image cannot be decoded: the process that tried was killed by SIGKILL',
    });
  });

  it.each([0, 17, 19])('a process cannot give %i bytes for 2 × 3 pixels', async (bytes) => {
    const { decode } = openTakenOver(pixels(2, 3, bytes));
    await expect(decode()).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
      message: `the image decodes to ${bytes} bytes`,
    });
  });

  it('a process that a picture has taken over cannot name pixels that are not in the shared file', async () => {
    const { decode } = openTakenOver(
      "say({ type: 'decoded', sharedBytes: 18, source: { height: 2, width: 3 } });",
    );
    await expect(decode()).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
  });

  it('a process can only refuse a picture with a code for pictures', async () => {
    const { decode } = openTakenOver("say({ type: 'refused', code: 'WALLET_NOT_FOUND', message: 'gone' });");
    await expect(decode()).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE', message: 'gone' });
  });

  it('a process that a picture has taken over cannot write control characters into the log', async () => {
    const { decode, log } = openTakenOver(
      "writeSync(2, 'a\\x1b[2J\\nb\\x07\\u202ec'); process.kill(process.pid, 'SIGKILL');",
    );
    await expect(decode()).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
    expect(log.lines().map(({ complaint }) => complaint)).toEqual(['a [2J b c']);
  });
});
