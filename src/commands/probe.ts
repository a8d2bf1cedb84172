import { cryptoWaitReady } from '@polkadot/util-crypto';
import { VALIDATOR_TIMEOUT_MS } from '../admission/deadline.ts';
import { signRequest } from '../epistula/sign.ts';
import { MinerError } from '../errors.ts';
import { SNIFF_LENGTH_BYTES, sniffMedia } from '../media/sniff.ts';
import { developmentWallet } from '../wallet/development.ts';
import { type CommandContext, configure } from './context.ts';
import { readMedia } from './read-media.ts';

/**
 * Sends a picture or a clip to the miner of development mode as the validator //Alice would, and prints the answer.
 * Against any other miner it would be refused: the key is public and has no stake there.
 */
export async function probe(context: CommandContext): Promise<void> {
  const [file, ...flags] = context.argv;
  if (file === undefined || file.startsWith('-')) {
    throw new MinerError('CONFIG_INVALID', 'name a picture or a clip: probe FILE [flags]');
  }
  const { config } = configure({ ...context, argv: ['--dev', ...flags] });
  const body = await readMedia(file);
  const isClip = sniffMedia(body.subarray(0, SNIFF_LENGTH_BYTES))?.modality === 'video';
  await cryptoWaitReady();
  const alice = developmentWallet('//Alice');
  const path = isClip
    ? '/detect_video'
    : config.minerType === 'segmenter'
      ? '/segment_image'
      : '/detect_image';
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${config.axon.port}${path}`, {
    method: 'POST',
    body,
    headers: signRequest({
      sign: alice.sign,
      hotkey: alice.hotkeyAddress,
      signedFor: developmentWallet('//Bob').hotkeyAddress,
      body,
      timestampMs: Date.now(),
    }),
    signal: AbortSignal.any([context.shutdown, AbortSignal.timeout(VALIDATOR_TIMEOUT_MS)]),
  }).catch((error: unknown) => {
    throw new MinerError('PROBE_UNANSWERED', `no answer from port ${config.axon.port}`, { cause: error });
  });
  const answer = Buffer.from(await response.arrayBuffer());
  const took = Math.round(performance.now() - startedAt);
  context.stdout.write(`POST ${path}: ${response.status} after ${took} ms\n${describe(response, answer)}\n`);
}

/** A mask as its size and its share of marked pixels; everything else as it came. */
function describe(response: Response, answer: Buffer): string {
  const shape = response.headers.get('x-mask-shape');
  if (shape === null) return answer.toString();
  const marked = answer.filter((_, index) => index % 2 === 1).filter((high) => high !== 0).length;
  return `mask ${shape} (height,width): ${((200 * marked) / answer.length).toFixed(1)} % marked as AI-made`;
}
