import { cryptoWaitReady } from '@polkadot/util-crypto';
import { VALIDATOR_TIMEOUT_MS } from '../admission/deadline.ts';
import type { SettingFlags } from '../config/flags.ts';
import { signRequest } from '../epistula/sign.ts';
import { MinerError } from '../errors.ts';
import { SNIFF_LENGTH_BYTES, sniffMedia } from '../media/sniff.ts';
import { developmentWallet } from '../wallet/development.ts';
import { type CommandContext, configure } from './context.ts';
import { readMedia } from './read-media.ts';

/**
 * Sends a picture or a clip to the miner of development mode as the validator //Alice would, and prints the answer.
 * Any other miner would refuse it: the key is public and has no stake there.
 * @throws MinerError PROBE_UNANSWERED; CONFIG_*
 */
export async function probe(
  { env, shutdown, stdout }: CommandContext,
  file: string,
  settings: SettingFlags['settings'],
): Promise<void> {
  const { config } = configure({ settings, dev: true, settingsFile: undefined }, env);
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
    signal: AbortSignal.any([shutdown, AbortSignal.timeout(VALIDATOR_TIMEOUT_MS)]),
  }).catch((error: unknown) => {
    throw new MinerError('PROBE_UNANSWERED', `no answer from port ${config.axon.port}`, { cause: error });
  });
  const answer = Buffer.from(await response.arrayBuffer());
  const took = Math.round(performance.now() - startedAt);
  stdout.write(`POST ${path}: ${response.status} after ${took} ms\n${describe(response, answer)}\n`);
}

/** The answer as text; of a mask, its size and the share of pixels that it marks. */
function describe(response: Response, answer: Buffer): string {
  const shape = response.headers.get('x-mask-shape');
  if (shape === null) return answer.toString();
  const marked = answer.filter((_, index) => index % 2 === 1).filter((high) => high !== 0).length;
  return `mask ${shape} (height,width): ${((200 * marked) / answer.length).toFixed(1)} % marked as AI-made`;
}
