import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

/** What a node says in the place of an answer; null: nothing. */
export type Lie = (request: { readonly id: unknown; readonly method: string }) => string | null;

export interface HostileNode {
  readonly endpoint: string;
  /** Ends all connections. Later connections get lies. */
  lie(lie: Lie): void;
  close(): Promise<void>;
}

/** A node that passes everything on to a real one until the test makes it lie. */
export async function startHostileNode(behind: string): Promise<HostileNode> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  let lying: Lie | undefined;
  server.on('connection', (client) => {
    const real = new WebSocket(behind);
    const waiting: string[] = [];
    const ask = (text: string) => (real.readyState === WebSocket.OPEN ? real.send(text) : waiting.push(text));
    real.on('open', () => waiting.splice(0).forEach(ask));
    real.on('message', (data) => {
      if (lying === undefined) client.send(String(data));
    });
    for (const [one, other] of [
      [client, real],
      [real, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => other.terminate());
    }
    client.on('message', (data) => {
      const text = String(data);
      if (lying === undefined) return ask(text);
      const answer = lying(JSON.parse(text));
      if (answer !== null) client.send(answer);
    });
  });
  return {
    endpoint: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lie(lie) {
      lying = lie;
      for (const client of server.clients) client.terminate();
    },
    close: () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate();
        server.close(() => resolve());
      }),
  };
}
