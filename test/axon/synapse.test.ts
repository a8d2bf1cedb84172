import { describe, expect, it } from 'vitest';
import type { Answerer, Pictures } from '../../src/answering/answerer.ts';
import { head, openSocket, startAxon } from '../fixtures/axon.ts';
import { createDendrite, synapseJson } from '../fixtures/dendrite.ts';
import { until } from '../fixtures/until.ts';

const JSON_BODY = synapseJson('ImageSynapse', Buffer.from('picture').toString('base64'));

/** An answerer that never answers. */
const endless: Answerer['answer'] = (_task, _media, { deadline }) =>
  new Promise((_, reject) =>
    deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason), { once: true }),
  );

describe('a synapse request', () => {
  it('a synapse request reaches the model as the picture that it holds', async () => {
    const seen: Pictures[] = [];
    const { port, records } = await startAxon({
      answer: async (_task, media) => {
        if ('pictures' in media) seen.push(media);
        return { kind: 'probabilities', values: [0.25, 0.5, 0.25] };
      },
    });
    const alice = createDendrite('//Alice');
    const answer = await alice.post(port, '/ImageSynapse', JSON_BODY);
    expect([answer.status, answer.json().prediction]).toEqual([200, [0.25, 0.5, 0.25]]);
    expect(seen.map(({ pictures }) => pictures.map(String))).toEqual([['picture']]);
    await until(() => records.length === 1);
    expect(records[0]).toMatchObject({
      route: '/ImageSynapse',
      code: 'OK',
      validator: { hotkey: alice.address, uid: 0 },
      bytes: JSON_BODY.length,
    });
    expect(Object.keys(records[0]?.stepsMs ?? {})).toEqual([
      'authenticate',
      'verify',
      'body',
      'wait',
      'unwrap',
    ]);
  });

  it('a synapse request is refused while the model warms up', async () => {
    const { port } = await startAxon({ isWarm: false });
    const answer = await createDendrite('//Alice').post(port, '/ImageSynapse', JSON_BODY);
    expect([answer.status, answer.json()]).toEqual([503, { message: 'the model is still loading' }]);
  });

  it('a synapse request that takes longer than its caller waits gets a 408', async () => {
    const { port, records } = await startAxon({ answer: endless });
    const answer = await createDendrite('//Alice').post(port, '/ImageSynapse', JSON_BODY, { timeout: '1.5' });
    expect([answer.status, answer.json()]).toEqual([408, { message: 'Response timeout after: 1.5s' }]);
    await until(() => records.length === 1);
    expect(records[0]?.code).toBe('ADMISSION_DEADLINE');
  });

  it('a synapse request whose body comes too late for its caller is given up', async () => {
    const { port, budget, records } = await startAxon();
    const client = openSocket(port);
    const signed = createDendrite('//Alice').sign({ timeout: '1.0' });
    client.write(head('POST /ImageSynapse', { ...signed, 'Content-Length': 1_000 }));
    client.write('{');
    await until(() => client.text().includes('\r\n\r\n'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 408 /);
    expect(budget.status()).toMatchObject({ claimedBytes: 0, provenBytes: 0 });
    await until(() => records.length === 1);
    expect(records[0]?.code).toBe('ADMISSION_DEADLINE');
  });

  it('a synapse request with a forged signature is refused before a byte of its body has come', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    const forged = {
      ...createDendrite('//Dave').sign(),
      bt_header_dendrite_hotkey: createDendrite('//Alice').address,
    };
    client.write(head('POST /ImageSynapse', { ...forged, 'Content-Length': 1_000 }));
    await until(() => client.text().includes('\r\n\r\n'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('a synapse request that is declared larger than 64 MiB is refused before it is sent', async () => {
    const { port } = await startAxon();
    const client = openSocket(port);
    const signed = createDendrite('//Alice').sign();
    client.write(head('POST /ImageSynapse', { ...signed, 'Content-Length': 64 * 1024 * 1024 + 1 }));
    await until(() => client.text().includes('\r\n\r\n'));
    expect(client.text()).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a synapse request that fails by our own fault gets an id that its record has, too', async () => {
    const { port, records } = await startAxon({
      answer: async () => {
        throw new Error('secret words');
      },
    });
    const answer = await createDendrite('//Alice').post(port, '/ImageSynapse', JSON_BODY);
    await until(() => records.length === 1);
    expect([answer.status, answer.json()]).toEqual([
      500,
      { message: `Internal Server Error #${records[0]?.errorId}` },
    ]);
    expect(records[0]?.errorId).toMatch(/^[0-9a-f-]{36}$/);
  });
});
