import { describe, expect, it } from 'vitest';
import { head } from '../fixtures/axon.ts';
import { attack, startAttackedMiner } from './attacked-miner.ts';

const DURATION_MS = 10_000;

/** Runs an attack, prints what came of it, and expects the miner to live and every picture to be answered meanwhile. */
async function expectPicturesUnder(
  name: string,
  options: Omit<Parameters<typeof attack>[0], 'port' | 'durationMs'>,
): Promise<void> {
  const miner = await startAttackedMiner();
  const [{ connected, cut, writtenBytes }, statuses] = await Promise.all([
    attack({ ...options, port: miner.axonPort, durationMs: DURATION_MS }),
    miner.askPictures(DURATION_MS),
  ]);
  const answered = statuses.filter((status) => status === 200);
  const { rss, heap } = miner.isAlive() ? miner.peakMib() : { rss: Number.NaN, heap: Number.NaN };
  process.stdout.write(
    `${name}: ${connected} connections, ${cut} cut, ${Math.round(writtenBytes / 1e6)} MB sent; ` +
      `${answered.length} of ${statuses.length} pictures answered; peak ${rss} MiB resident, ${heap} MiB heap\n`,
  );
  expect(miner.isAlive()).toBe(true);
  expect(answered).toHaveLength(statuses.length);
  expect(connected).toBeGreaterThanOrEqual(options.connections);
}

/** What each connection repeats. */
const PIPELINED: Readonly<Record<string, string>> = {
  'GET /': head('GET /', {}),
  'GET / without a host': 'GET / HTTP/1.1\r\n\r\n',
  'GET / that expects what nobody does': head('GET /', { Expect: 'wonders' }),
  'HEAD of a path that does not exist': head('HEAD /nothing', {}),
  'an empty chunked POST': `${head('POST /detect_image', { 'Transfer-Encoding': 'chunked' })}0\r\nTrailer: x\r\n\r\n`,
  'a POST of one byte that waits to go on': `${head('POST /detect_image', { Expect: '100-continue', 'Content-Length': 1 })}x`,
  'GET / that asks for another protocol': head('GET /', { Connection: 'Upgrade', Upgrade: 'h2c' }),
  'what is not HTTP': 'nonsense\r\n\r\n',
};

describe('a thousand connections that pipeline and never read', () => {
  it.each(Object.entries(PIPELINED))('%s', (name, bytes) =>
    expectPicturesUnder(name, { connections: 1_000, mode: 'flood', bytes }),
  );
});

describe('four thousand connections that never finish their headers', () => {
  const fields: Readonly<Record<string, string>> = {
    'of one character': Array.from({ length: 9_000 }, (_, at) => `${at.toString(36)}:x\r\n`).join(''),
    'of a thousand characters': Array.from({ length: 62 }, (_, at) => `${at}: ${'x'.repeat(1_000)}\r\n`).join(
      '',
    ),
  };
  it.each(Object.entries(fields))('in fields %s', (name, text) =>
    expectPicturesUnder(`headers ${name}`, {
      connections: 4_000,
      mode: 'hold',
      bytes: `GET / HTTP/1.1\r\nHost: miner\r\n${text.slice(0, 63_000)}`,
    }),
  );
});
