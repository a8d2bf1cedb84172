import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer of the miner on its way to a validator; header names in lower case. */
export interface PassingAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a fault makes of an answer. */
export type Fault = (answer: PassingAnswer) => PassingAnswer;

export interface FaultyProxy {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Stands between a validator and a miner on loopback, passes requests on unchanged and puts each answer of a task route
 * through a fault.
 */
export async function startFaultyProxy(minerUrl: string, fault: Fault): Promise<FaultyProxy> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url: path = '/' } = incoming;
    const onward = request(new URL(path, minerUrl), { method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const passing = { headers: plainHeaders(answer.headersDistinct), body: Buffer.concat(chunks) };
        const isTask = method === 'POST' && answer.statusCode === 200;
        const { headers: changed, body } = isTask ? fault(passing) : passing;
        outgoing.writeHead(answer.statusCode ?? 502, { ...changed, 'content-length': body.length });
        outgoing.end(body);
      });
    });
    onward.on('error', (error) => outgoing.destroy(error));
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What belongs to the answer and not to the connection. */
function plainHeaders(headers: NodeJS.Dict<string[]>): Record<string, string> {
  const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'date']);
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !ofConnection.has(name))
      .map(([name, values = []]) => [name, values.join(', ')]),
  );
}
