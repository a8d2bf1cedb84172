// The body of a synapse: JSON around the media. Takes it apart, and puts the answer together. Pure functions.
import { z } from 'zod';
import { MinerError } from '../errors.ts';

/** The synapse classes that are answered, and the field of each that holds the media. */
export const SYNAPSES = {
  ImageSynapse: { task: 'image', mediaField: 'image' },
  VideoSynapse: { task: 'video', mediaField: 'video' },
} as const;
export type SynapseName = keyof typeof SYNAPSES;
export const SYNAPSE_NAMES = Object.keys(SYNAPSES) as SynapseName[];

/** A synapse as it came: its fields without the media, and the media's text. */
export interface Synapse {
  readonly name: SynapseName;
  readonly fields: z.output<typeof fieldsSchema>;
  /** The characters of the media field between its quotes, as bytes; no quote and no backslash is among them. */
  readonly media: Buffer;
}

/** A body without its media; a dendrite sends 1 kB. A larger one is not parsed, because parsing has no time limit. */
const ENVELOPE_LIMIT_BYTES = 64 * 1024;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Numbers that JSON.parse cannot keep exactly are left out; the headers have the nonce. */
const number = z.number().transform((value) => (Math.abs(value) > Number.MAX_SAFE_INTEGER ? null : value));
const text = z.string().max(1_024);
const textOrNumber = z.union([text, number]).nullish();
const terminal = z
  .object({
    status_code: textOrNumber,
    status_message: text.nullish(),
    process_time: textOrNumber,
    ip: text.nullish(),
    port: textOrNumber,
    version: textOrNumber,
    nonce: textOrNumber,
    uuid: text.nullish(),
    hotkey: text.nullish(),
    signature: text.nullish(),
  })
  .nullish();
const fieldsSchema = z.object({
  timeout: textOrNumber,
  total_size: textOrNumber,
  header_size: textOrNumber,
  dendrite: terminal,
  axon: terminal,
  computed_body_hash: text.nullish(),
  testnet_label: z.int().nullish(),
});

/**
 * Takes a request's body apart. The media is cut out before the rest is parsed, so that neither a large body nor a deeply
 * nested one costs the event loop more than about a millisecond.
 * @throws MinerError AXON_SYNAPSE_INVALID
 */
export function parseSynapse(body: Buffer, name: SynapseName): Synapse {
  const { mediaField } = SYNAPSES[name];
  const place = findString(body, mediaField) ?? { start: 0, end: 0 };
  const media = body.subarray(place.start, place.end);
  if (body.length - media.length > ENVELOPE_LIMIT_BYTES) {
    throw invalid(`more than ${ENVELOPE_LIMIT_BYTES} bytes besides the media`);
  }
  const rest = Buffer.concat([body.subarray(0, place.start), body.subarray(place.end)]);
  const parsed = z.looseObject({ [mediaField]: z.literal('').optional() }).safeParse(parseJson(rest));
  if (!parsed.success) throw invalid(`not an object whose ${mediaField} is plain text`);
  const fields = fieldsSchema.safeParse(parsed.data);
  if (!fields.success) throw invalid(`the field ${fields.error.issues[0]?.path.join('.')}`);
  return { name, fields: fields.data, media };
}

/** The synapse with its prediction, as JSON. The media goes back as it came: a dendrite takes over every field. */
export function renderSynapse({ name, fields, media }: Synapse, prediction: readonly number[]): Buffer {
  const json = JSON.stringify({ name, ...fields, prediction });
  return Buffer.concat([
    Buffer.from(`${json.slice(0, -1)},"${SYNAPSES[name].mediaField}":"`),
    media,
    Buffer.from('"}'),
  ]);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw invalid('not JSON', error);
  }
}

/**
 * Finds the string value of `key` in the outermost object: the bytes between its quotes. Undefined if it does not begin
 * among the first bytes or has an escape. Does not check whether the body is JSON.
 */
function findString(body: Buffer, key: string): { start: number; end: number } | undefined {
  let depth = 0;
  let lastString = '';
  let previous = 0;
  for (let at = 0; at < Math.min(body.length, ENVELOPE_LIMIT_BYTES); at++) {
    const byte = body[at] as number;
    if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) continue;
    if (byte === QUOTE) {
      const isValue = depth === 1 && previous === 0x3a && lastString === key;
      const end = isValue ? body.indexOf(QUOTE, at + 1) : stringEnd(body, at + 1);
      if (end === -1) return undefined;
      const content = body.subarray(at + 1, end);
      if (isValue) return content.includes(BACKSLASH) ? undefined : { start: at + 1, end };
      lastString = content.length <= key.length ? content.toString('latin1') : '';
      at = end;
    } else if (byte === 0x7b || byte === 0x5b) depth++;
    else if (byte === 0x7d || byte === 0x5d) depth--;
    previous = byte;
  }
  return undefined;
}

/** Where the string ends whose first character is at `from`; -1 if that is not among the first bytes. */
function stringEnd(body: Buffer, from: number): number {
  for (let at = from; at < Math.min(body.length, ENVELOPE_LIMIT_BYTES); at++) {
    if (body[at] === BACKSLASH) at++;
    else if (body[at] === QUOTE) return at;
  }
  return -1;
}

function invalid(what: string, cause?: unknown): MinerError {
  return new MinerError('AXON_SYNAPSE_INVALID', `the body is not a valid synapse: ${what}`, { cause });
}
