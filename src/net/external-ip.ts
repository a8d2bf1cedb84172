import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { reservedMeaning } from './ipv4.ts';

/** The address to announce and its origin, or why there is none. */
export type ExternalIp =
  | { readonly ok: true; readonly ip: string; readonly origin: 'configured' | 'discovered' | 'interface' }
  | { readonly ok: false; readonly code: 'CHAIN_NO_EXTERNAL_IP'; readonly reason: string };

type Fetch = (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;

interface ExternalIpOptions {
  /** The IPv4 address that the operator set. If undefined, the sources are asked. */
  readonly configured: string | undefined;
  /** Whether validators come over the internet. If not, an address of a network interface is enough. */
  readonly isPublicNetwork: boolean;
  readonly fetch: Fetch;
  /** URLs, asked all at once. Each answers with the caller's address as plain text. */
  readonly sources: readonly string[];
  /** For all sources together. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Sources of different operators, so that one that fails or lies does not decide. */
export const IP_SOURCES: readonly string[] = [
  'https://checkip.amazonaws.com',
  'https://api.ipify.org',
  'https://ifconfig.me/ip',
  'https://ident.me',
  'https://icanhazip.com',
];

/** An address has at most 15 characters. A longer answer is refused. */
const ANSWER_LIMIT_BYTES = 64;
/** If more than this share of the sources agree, the others are not waited for. */
const MAJORITY_RATIO = 0.5;

/** Loopback, but not 127.0.0.1, which the chain refuses. */
const DEV_FALLBACK_IP = '127.0.0.2';

/** Finds the IPv4 address at which validators reach this host. Never rejects. */
export async function resolveExternalIp(options: ExternalIpOptions): Promise<ExternalIp> {
  const { configured, isPublicNetwork } = options;
  if (configured !== undefined) return { ok: true, ip: configured, origin: 'configured' };
  if (!isPublicNetwork) return { ok: true, ip: interfaceIp() ?? DEV_FALLBACK_IP, origin: 'interface' };
  return await discover(options);
}

/** The first IPv4 address of this host that is not loopback. */
function interfaceIp(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}

/** The address that more than half of the sources answer, or else the most frequent answer. */
async function discover({ fetch, sources, timeoutMs, signal }: ExternalIpOptions): Promise<ExternalIp> {
  const asking = new AbortController();
  const stop = (): void => asking.abort(new Error('no answer in time'));
  const timer = setTimeout(stop, timeoutMs);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const votes = new Map<string, number>();
  const faults: string[] = [];

  await Promise.all(
    sources.map(async (source) => {
      try {
        const ip = await ask(source, fetch, asking.signal);
        const count = (votes.get(ip) ?? 0) + 1;
        votes.set(ip, count);
        if (count > sources.length * MAJORITY_RATIO) stop();
      } catch (error) {
        faults.push(`${new URL(source).host}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);

  const [best] = [...votes].sort(([, a], [, b]) => b - a);
  if (best !== undefined) return { ok: true, ip: best[0], origin: 'discovered' };
  return {
    ok: false,
    code: 'CHAIN_NO_EXTERNAL_IP',
    reason: `no source told the address of this host (${faults.join('; ')})`,
  };
}

async function ask(source: string, fetch: Fetch, signal: AbortSignal): Promise<string> {
  const response = await fetch(source, { signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`status ${response.status}`);
  }
  const ip = (await readShort(response)).trim();
  if (!isIPv4(ip)) throw new Error('did not answer with an IPv4 address');
  const meaning = reservedMeaning(ip);
  if (meaning !== undefined) throw new Error(`answered with ${meaning}`);
  return ip;
}

async function readShort(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // An error in the loop cancels the body.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_LIMIT_BYTES) throw new Error('answered with more than an address');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('latin1');
}
