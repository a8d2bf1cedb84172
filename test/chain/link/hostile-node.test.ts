import { describe, expect, it } from 'vitest';
import { createCapturingLogger } from '../../fixtures/capturing-logger.ts';
import { openDevnet } from '../../fixtures/devnet.ts';
import { bob } from '../../fixtures/keys.ts';
import { temporaryFolderPath } from '../../fixtures/temporary.ts';
import { until } from '../../fixtures/until.ts';
import { openChain, openNode, openProxy } from '../fixture.ts';

const ADDRESS = { ip: '8.8.8.8', port: 8091 };
const UNTRUSTED = 'CHAIN_ENDPOINT_UNTRUSTED';
/** What one line of the log may have, with all its fields. */
const LINE_LIMIT_CHARS = 2_000;

function expectShortLines(text: string): void {
  for (const line of text.split('\n')) expect(line.length).toBeLessThan(LINE_LIMIT_CHARS);
  expect(text).not.toMatch(/(?!\n)\p{Cc}|[\u2028-\u202e]/u);
}

describe('an endpoint whose runtime has another call under the name of serve_axon', () => {
  it('an endpoint with another call named serve_axon gets no signature, and the next endpoint gets the announcement', async () => {
    const devnet = await openDevnet();
    devnet.upgradeRuntime(425, 104);
    const hostile = await openProxy(devnet.url);
    const honest = await openDevnet();
    const stateDir = temporaryFolderPath();
    // A table that was read before is kept meanwhile.
    const chain = openChain([hostile.url, honest.url], { stateDir });
    chain.announce(ADDRESS);
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure).toMatchObject({
      code: UNTRUSTED,
      reason: expect.stringContaining('serve_axon is another call: 0x0768'),
    });
    expect(hostile.methods()).not.toContain('author_submitAndWatchExtrinsic');
    expect(chain.signersKnown).toBe(true);
    expect(devnet.axonOf(bob)).toBeUndefined();
  });

  it('an endpoint that asks to sign an unknown extension gets no signature', async () => {
    const devnet = await openDevnet();
    const name = (text: string): string => Buffer.from(text).toString('hex');
    const hostile = await openProxy(devnet.url, {
      tell: (text) => text.replaceAll(name('SudoTransactionExtension'), name('SweepTransactionExtensio')),
    });
    const chain = openChain([hostile.url]);
    chain.announce(ADDRESS);
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure).toMatchObject({
      code: UNTRUSTED,
      reason: expect.stringContaining('SweepTransactionExtensio'),
    });
    expect(hostile.methods()).not.toContain('author_submitAndWatchExtrinsic');
  });

  it('an untrusted endpoint is tried less and less often, and its metadata are dropped', async () => {
    const devnet = await openDevnet();
    devnet.upgradeRuntime(425, 104);
    const hostile = await openProxy(devnet.url);
    const { logger, lines } = createCapturingLogger();
    const chain = openChain([hostile.url], { logger, stateDir: temporaryFolderPath() });
    chain.announce(ADDRESS);
    const tries = (): number => lines().filter(({ msg }) => msg === 'chain connected').length;
    await until(() => tries() >= 3);
    const loads = hostile.methods().filter((name) => name.startsWith('Metadata_metadata_at_version'));
    expect(loads.length).toBeGreaterThanOrEqual(3);
  });
});

describe('the newest block of an endpoint', () => {
  it.each([
    ['no number', '"nonsense"'],
    ['NaN', 'null'],
    ['negative', '"-0x1"'],
    ['larger than a u32', '"0x1000000000000000"'],
    ['a number and no text', '5'],
    ['an object that nests without end', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['far ahead of the one before', '"0xffffffff"'],
  ])('that is %s makes the miner leave it', async (_what, number) => {
    const devnet = await openDevnet();
    const honest = await openDevnet();
    let heads = 0;
    const hostile = await openProxy(devnet.url, {
      tell: (text) => {
        if (!text.includes('"chain_newHead"')) return text;
        heads += 1;
        return heads < 3 ? text : text.replace(/"number":"[^"]*"/, `"number":${number}`);
      },
    });
    const { logger, text } = createCapturingLogger();
    const chain = openChain([hostile.url, honest.url], { logger });
    await until(() => chain.status().connection.state === 'connected' && chain.status().lastFailure !== null);
    expect(chain.status().lastFailure?.code).toBe(UNTRUSTED);
    expect(chain.status().block).toBeLessThan(1_000);
    expectShortLines(text());
  });

  it('an endpoint whose newest block goes far back is left', async () => {
    const devnet = await openDevnet();
    let heads = 0;
    const hostile = await openProxy(devnet.url, {
      tell: (text) => {
        if (!text.includes('"chain_newHead"')) return text;
        heads += 1;
        return text.replace(
          /"number":"[^"]*"/,
          `"number":"${heads < 4 ? `0x${(5_000 + heads).toString(16)}` : '0x5'}"`,
        );
      },
    });
    const chain = openChain([hostile.url]);
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure).toMatchObject({
      code: UNTRUSTED,
      reason: expect.stringContaining('jumps'),
    });
  });
});

describe('answers that cannot be read', () => {
  it.each([
    ['bytes of another type', '0x01ff'],
    ['no bytes', { a: 1 }],
    ['an array of a million', new Array(1_000_000).fill(1)],
    ['text with control characters', '\u001b[31m'.repeat(100_000)],
  ])('(%s) make the miner leave the endpoint and keep the table of an earlier run', async (_what, answer) => {
    const devnet = await openDevnet();
    const stateDir = temporaryFolderPath();
    const first = openChain([devnet.url], { stateDir });
    await until(() => first.signersKnown);
    await first.close();

    let asked = 0;
    const hostile = await openProxy(devnet.url, {
      answer: (_method, [name]) => {
        if (!String(name).startsWith('SubnetInfoRuntimeApi')) return undefined;
        asked += 1;
        return answer;
      },
    });
    const { logger, text } = createCapturingLogger();
    const chain = openChain([hostile.url], { stateDir, logger });
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure?.code).toBe(UNTRUSTED);
    expect(asked).toBeGreaterThan(0);
    expect(chain.signersKnown).toBe(true);
    expect(chain.signer(bob)).toBeDefined();
    expectShortLines(text());
  });
});

describe('a node that talks too much', () => {
  it.each([
    ['text', 'a\u001b[31m\u0007\u009b\u202e'.repeat(300_000)],
    ['an object', { deep: 'x'.repeat(2_000_000) }],
    ['an array', new Array(300_000).fill(['\u001b'])],
  ])('fills no log line with an error whose message and data are %s', async (_what, words) => {
    const url = await openNode(({ id }) => ({
      jsonrpc: '2.0',
      id,
      error: { code: words, message: words, data: words },
    }));
    const { logger, text } = createCapturingLogger();
    const chain = openChain([url], { logger });
    await until(() => chain.status().lastFailure !== null);
    expect(JSON.stringify(chain.status()).length).toBeLessThan(LINE_LIMIT_CHARS);
    expect(chain.status().lastFailure?.reason).not.toMatch(/\p{Cc}|\u202e/u);
    expectShortLines(text());
  });

  it.each([
    ['a wrong type a million times', new Array(900_000).fill(1)],
    ['a text of megabytes', 'x'.repeat(2_000_000)],
    [
      'an object with a million keys',
      Object.fromEntries(Array.from({ length: 200_000 }, (_, key) => [`k${key}`, key])),
    ],
  ])('fills no log line with an answer that is %s', async (_what, result) => {
    const url = await openNode(({ id }) => ({ jsonrpc: '2.0', id, result }));
    const { logger, text } = createCapturingLogger();
    const chain = openChain([url], { logger });
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure?.code).toBe(UNTRUSTED);
    expectShortLines(text());
  });

  it('a node that sends a malformed notification is left', async () => {
    const devnet = await openDevnet();
    let notifications = 0;
    const hostile = await openProxy(devnet.url, {
      tell: (text) => {
        if (!text.includes('"state_storage"')) return text;
        notifications += 1;
        return notifications < 3
          ? text
          : text.replace(/"changes":.*/, `"changes":[${'[1],'.repeat(500_000)}[1]]}}}`);
      },
    });
    const { logger, text } = createCapturingLogger();
    const chain = openChain([hostile.url], { logger });
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure?.code).toBe(UNTRUSTED);
    expectShortLines(text());
  });

  it('a node that floods the miner with stray notifications is left', async () => {
    const devnet = await openDevnet();
    let flooded = false;
    const stray = '{"jsonrpc":"2.0","method":"chain_newHead","params":{"subscription":"none","result":1}}';
    const hostile = await openProxy(devnet.url, {
      tell: (text, send) => {
        if (text.includes('"chain_newHead"') && !flooded) {
          flooded = true;
          for (let count = 0; count < 5_000; count += 1) send(stray);
        }
        return text;
      },
    });
    const chain = openChain([hostile.url]);
    await until(() => chain.status().lastFailure !== null);
    expect(chain.status().lastFailure).toMatchObject({
      code: UNTRUSTED,
      reason: expect.stringContaining('sends more'),
    });
  });
});
