import { describe, expect, it } from 'vitest';
import { startAxon } from '../fixtures/axon.ts';
import { until } from '../fixtures/until.ts';
import { call, createValidator } from '../fixtures/validator.ts';

describe('the headers of a request', () => {
  it('the headers of a request may be as large as those that testnet validators send, with masks and prompts', async () => {
    const { port } = await startAxon();
    const headers = { 'X-Testnet-Mask': 'x'.repeat(60_000) };
    const answer = await createValidator('//Alice').post(port, '/detect_image', Buffer.from('p'), {
      headers,
    });
    expect(answer.status).toBe(200);
  });

  it('the headers of a request do not decide its remote address: that is the other end of the connection', async () => {
    const { port, records } = await startAxon();
    const headers = { 'X-Forwarded-For': '6.6.6.6', Forwarded: 'for=6.6.6.6', 'X-Real-IP': '6.6.6.6' };
    await createValidator('//Alice').post(port, '/detect_image', Buffer.from('p'), { headers });
    await until(() => records.length === 1);
    expect(records[0]?.address).toBe('127.0.0.1');
  });

  it('the headers of a request may name any content type, also a malformed one', async () => {
    const { port } = await startAxon();
    for (const type of ['image/jpeg', '', ';;', 'a/b; c=', 'x'.repeat(1_000)]) {
      const headers = { 'Content-Type': type };
      const answer = await createValidator('//Alice').post(port, '/detect_image', Buffer.from('p'), {
        headers,
      });
      expect([type, answer.status]).toEqual([type, 200]);
    }
  });

  it('the headers of a request are needed on every path except the open ones', async () => {
    const { port } = await startAxon();
    const post = (path: string) => call(port, path, { method: 'POST' });
    expect((await call(port, '/')).status).toBe(200);
    expect((await call(port, '/healthcheck')).status).toBe(200);
    expect((await call(port, '/miner_info')).status).toBe(400);
    expect((await post('/detect_image')).status).toBe(400);
    expect((await post('/detect_video')).status).toBe(400);
    expect((await post('/detect_Modality.IMAGE')).status).toBe(400);
  });
});
