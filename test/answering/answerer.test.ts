import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDeadline } from '../../src/admission/deadline.ts';
import { type AnsweringEngine, createAnswerer, type ReceivedBody } from '../../src/answering/answerer.ts';
import { systemClock } from '../../src/clock.ts';
import { decodeFloat16 } from '../../src/inference/child/float16.ts';
import type { ModelJson, Task } from '../../src/inference/contract/model-json.ts';
import type { Engine } from '../../src/inference/engine.ts';
import { startRecord } from '../../src/telemetry/request-record.ts';
import { encodeClip, makePixels } from '../fixtures/media.ts';
import { usePictureDecoder } from '../fixtures/picture-decoder.ts';
import { makeScannedJpeg } from '../fixtures/scanned-jpeg.ts';
import { softmax, useEngines } from '../inference/harness.ts';
import { meanHead, redMask, weightedMeans, writeModel } from '../inference/models.ts';

type Colour = readonly [number, number, number];

const engines = useEngines();
const pictures = usePictureDecoder();
const folder = mkdtempSync(join(tmpdir(), 'answerer-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Rows of pixels, each of the colour that its column has. */
function picture(width: number, height: number, colourOf: (column: number, row: number) => Colour): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let place = 0; place < width * height; place += 1) {
    pixels.set(colourOf(place % width, Math.floor(place / width)), place * 3);
  }
  return pixels;
}

const png = (pixels: Buffer, width: number, height: number): Promise<Buffer> =>
  sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();

function bodyOf(bytes: Buffer): ReceivedBody {
  const path = join(folder, 'body');
  return {
    sha256Hex: createHash('sha256').update(bytes).digest('hex'),
    length: bytes.length,
    bytes: async () => bytes,
    file: async () => {
      writeFileSync(path, bytes);
      return path;
    },
    remove: async () => undefined,
  };
}

/** What a miner with this model answers to the media. */
async function answerTo(media: Buffer, task: Task, onnx: Buffer, json?: ModelJson) {
  const engine = engines.open(task, writeModel(engines.root, 'model', onnx, json));
  await engine.ready();
  return { ...(await answerBy(engine, media, task)), contract: engine.contract };
}

async function answerBy(engine: Engine, media: Buffer, task: Task) {
  const deadline = createDeadline(systemClock, 0);
  onTestFinished(() => deadline.dispose());
  const record = startRecord('any', '127.0.0.1', systemClock);
  const charged: number[] = [];
  const room = { charge: (bytes: number) => charged.push(bytes) };
  const answerer = createAnswerer({ engines: { [task]: engine }, pictures, clipThreads: 2 });
  const answer = await answerer.answer(task, bodyOf(media), { deadline, record, room });
  return { answer, charged };
}

const close = (values: readonly number[]): unknown => ({
  kind: 'probabilities',
  values: values.map((value) => expect.closeTo(value, 5)),
});

const GREEN: Colour = [0, 128, 32];
const RED: Colour = [255, 0, 0];
const IDENTITY = [1 / 64, 0, 0, 0, 1 / 64, 0, 0, 0, 1 / 64];
const TWO = [1 / 64, 0, 0, 1 / 64, 0, 0];

describe('a model in the published format, without model.json', () => {
  it('a model in the published format gets a wide picture with its shortest edge resized to the declared one and the middle cut out', async () => {
    // 400 × 64 becomes 200 × 32, of which 48 columns in the middle are those from 152 to 248.
    const wide = picture(400, 64, (column) => (column >= 150 && column < 250 ? GREEN : RED));
    const onnx = meanHead({ weights: IDENTITY, outputs: 3, shape: ['N', 3, 32, 48] });
    const { answer, contract } = await answerTo(await png(wide, 400, 64), 'image', onnx);
    expect(contract.input.fit).toEqual({ mode: 'cover', height: 32, width: 48 });
    expect(answer).toEqual(close(softmax([0, 2, 0.5])));
  });

  it('a model in the published format gets an upright picture likewise, at 224 × 224 if it takes any size, and may have two classes', async () => {
    // 60 × 300 becomes 224 × 1120; the 224 rows in the middle were rows 120 to 180, and are interpolated at the rim.
    const upright = picture(60, 300, (_, row) => (row >= 118 && row < 182 ? GREEN : RED));
    const onnx = meanHead({ weights: TWO, outputs: 2, shape: ['N', 3, 'height', 'width'] });
    const { answer, contract } = await answerTo(await png(upright, 60, 300), 'image', onnx);
    expect(contract.input.fit).toEqual({ mode: 'cover', height: 224, width: 224 });
    expect(answer).toEqual(close([...softmax([0, 2]), 0]));
  });

  it('a model in the published format gets the frames of a clip in their order, as many as it declares', async () => {
    const onnx = weightedMeans({
      ...{ layout: 'NTCHW', dtype: 'uint8', frames: 4, height: 2, width: 2, dynamic: 'N' },
      gain: 1 / 64,
    });
    const { answer, contract } = await answerTo(await clipOf(10), 'video', onnx);
    expect(contract.input).toMatchObject({ layout: 'NTCHW', frames: 4, frameStride: 'even' });
    expect(answer).toEqual(close(softmax(meansOf([0, 3, 6, 9]))));
  });

  it('a model in the published format gets 16 frames of 224 × 224 if it takes any number and size, and may have two classes', async () => {
    const onnx = weightedMeans({
      ...{ layout: 'NTCHW', dtype: 'uint8', frames: 16, height: 224, width: 224, dynamic: 'NTHW' },
      gain: 1 / 6400,
      matrix: [1, 0, 0, 1, 0, 0],
    });
    const { answer, contract } = await answerTo(await clipOf(16), 'video', onnx);
    expect(contract.input).toMatchObject({ frames: 16, fit: { mode: 'cover', height: 224, width: 224 } });
    const [red = 0, green = 0] = meansOf(
      Array.from({ length: 16 }, (_, frame) => frame),
      224,
    ).map((mean) => mean / 100);
    expect(answer).toMatchObject({
      values: softmax([red, green])
        .concat(0)
        .map((p) => expect.closeTo(p, 4)),
    });
  });
});

describe('a model with a model.json', () => {
  it('a model with a model.json gets the leading frames if it asks for a stride', async () => {
    const onnx = weightedMeans({
      ...{ layout: 'NTCHW', dtype: 'uint8', frames: 4, height: 2, width: 2, dynamic: 'N' },
      gain: 1 / 64,
    });
    const { answer } = await answerTo(await clipOf(10), 'video', onnx, { input: { frameStride: 2 } });
    expect(answer).toEqual(close(softmax(meansOf([0, 2, 4, 6]))));
  });

  it('a model with a model.json answers by the binary rule if it asks for that', async () => {
    // Probabilities that are near [0.4, 0.3, 0.3].
    const logits: Colour = [64, 45, 45];
    const onnx = meanHead({ weights: IDENTITY, outputs: 3, shape: [1, 3, 8, 8] });
    const media = await png(
      picture(8, 8, () => logits),
      8,
      8,
    );
    const argmax = await answerTo(media, 'image', onnx);
    const binaryFirst = await answerTo(media, 'image', onnx, { output: { decision: 'binary-first' } });
    const [real = 0, synthetic = 0, semisynthetic = 0] = softmax(logits.map((logit) => logit / 64));
    expect(real).toBeGreaterThan(synthetic);
    expect(argmax.answer).toEqual(close([real, synthetic, semisynthetic]));
    const middle = (real + synthetic) / 2;
    expect(binaryFirst.answer).toEqual(close([middle, middle, semisynthetic]));
    const values: readonly number[] =
      binaryFirst.answer.kind === 'probabilities' ? binaryFirst.answer.values : [];
    expect(values.indexOf(Math.max(...values))).toBe(1);
  });

  it('a picture that is too large for the native size of a model is refused by its header alone', async () => {
    const onnx = redMask(['N', 3, 'height', 'width']);
    const json: ModelJson = { input: { size: 'native' } };
    const header = (edge: number) =>
      makeScannedJpeg({ width: edge, height: edge, scans: 1 }).subarray(0, 200);
    await expect(answerTo(header(4097), 'mask', onnx, json)).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 4097 × 4097 pixels',
    });
    await expect(answerTo(header(4096), 'mask', onnx, json)).rejects.toMatchObject({
      code: 'MEDIA_UNDECODABLE',
    });
  });

  it('a model with a model.json has its mask brought back to the picture, whatever the fit', async () => {
    // Red is marked: the columns from 25 to 50 of 100, in a picture of 100 × 60.
    const marked = (column: number) => column >= 25 && column < 50;
    const media = await png(
      picture(100, 60, (column) => (marked(column) ? RED : GREEN)),
      100,
      60,
    );
    for (const fit of ['stretch', 'contain', 'cover'] as const) {
      const { answer } = await answerTo(media, 'mask', redMask(['N', 3, 40, 40]), { input: { fit } });
      const bytes = answer.kind === 'mask' ? answer.float16le : Buffer.alloc(0);
      expect(bytes).toHaveLength(100 * 60 * 2);
      const rows = Array.from({ length: 60 }, (_, row) =>
        Array.from({ length: 100 }, (_, column) => bytes.readUInt16LE((row * 100 + column) * 2) === 0x3c00),
      );
      for (const row of rows) {
        const wrong = row.filter((value, column) => value !== marked(column)).length;
        expect(wrong).toBeLessThanOrEqual(3);
      }
    }
  });
});

/** A clip of 8 × 8 whose frame i is of the colour [10 i, 150 − 10 i, 40]. */
function clipOf(count: number): Promise<Buffer> {
  const frames = Array.from({ length: count }, (_, frame) => picture(8, 8, () => colourOf(frame)));
  return encodeClip(Buffer.concat(frames), { width: 8, height: 8 });
}

function colourOf(frame: number): Colour {
  return [10 * frame, 150 - 10 * frame, 40];
}

/** The numbers of `weightedMeans` at a gain of 1/64 for frames of one colour each, given the edge of its input. */
function meansOf(frames: readonly number[], edge = 2): number[] {
  return [0, 1, 2].map((channel) => {
    const sum = frames.reduce((total, frame, order) => {
      const meanWeight = 1 + order * 0.5 + ((edge - 1) / 2) * (0.25 + 0.0625);
      return total + meanWeight * (colourOf(frame)[channel] ?? 0);
    }, 0);
    return sum / frames.length / 64;
  });
}

describe('a model that takes pictures of any size as they are', () => {
  /** Gives the red of each pixel as a confidence. */
  const native: ModelJson = { input: { size: 'native' }, output: { mask: 'soft' } };

  it.each([
    ['small enough for a message', 31, 17],
    ['that travels in a file', 401, 299],
  ])(
    'a model that takes pictures of any size gets every decoded pixel in its place: a picture %s',
    async (_, width, height) => {
      const pixels = makePixels({ width, height, seed: 4 });
      const engine = engines.open(
        'mask',
        writeModel(engines.root, 'model', redMask(['N', 3, 'H', 'W']), native),
      );
      await engine.ready();
      // Each colour in the place of red in its turn.
      for (const shift of [0, 1, 2]) {
        const turned = Buffer.from(
          pixels.map((_value, at) => pixels[at - (at % 3) + ((at + shift) % 3)] ?? 0),
        );
        const { answer } = await answerBy(engine, await png(turned, width, height), 'mask');
        if (answer.kind !== 'mask') throw new Error('no mask');
        const reds = Array.from({ length: width * height }, (_value, place) =>
          Math.round(255 * decodeFloat16(answer.float16le.readUInt16LE(place * 2))),
        );
        const sent = Array.from({ length: width * height }, (_value, place) => turned[place * 3]);
        expect(reds).toEqual(sent);
      }
    },
  );

  it('a model that takes pictures of any size does not get more pixels than it can take', async () => {
    const media = await sharp({ create: { width: 4097, height: 4096, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    const asking = answerTo(media, 'mask', redMask(['N', 3, 'H', 'W']), native);
    await expect(asking).rejects.toMatchObject({
      code: 'MEDIA_TOO_LARGE',
      message: 'the image has 4097 × 4096 pixels',
    });
  });
});

describe('a clip', () => {
  it('a clip reports that it is decoded before the model answers, a picture never does', async () => {
    const onnx = weightedMeans({
      ...{ layout: 'NTCHW', dtype: 'uint8', frames: 4, height: 2, width: 2, dynamic: 'N' },
      gain: 1 / 64,
    });
    const engine = engines.open('video', writeModel(engines.root, 'model', onnx));
    await engine.ready();
    const order: string[] = [];
    const answering: AnsweringEngine = {
      state: 'ready',
      use: (work) =>
        engine.use((model) =>
          work({
            ...model,
            infer: async () => {
              order.push('infer');
              return { kind: 'probabilities', values: [1, 0, 0] };
            },
          }),
        ),
    };
    const deadline = createDeadline(systemClock, 0);
    onTestFinished(() => deadline.dispose());
    const answerer = createAnswerer({
      engines: { video: answering, image: answering },
      pictures,
      clipThreads: 1,
    });
    const ask = async (task: Task, media: Buffer) =>
      answerer.answer(task, bodyOf(media), {
        deadline,
        record: startRecord('any', '127.0.0.1', systemClock),
        room: { charge: () => undefined },
        onClipDecoded: () => order.push('decoded'),
      });
    await ask('video', await clipOf(10));
    expect(order).toEqual(['decoded', 'infer']);
    await ask(
      'image',
      await png(
        picture(4, 4, () => RED),
        4,
        4,
      ),
    );
    expect(order).toEqual(['decoded', 'infer', 'infer']);
  });
});

describe('a segmenter', () => {
  it('a segmenter charges for the mask of a picture before the mask is made', async () => {
    const media = await png(
      picture(50, 30, () => RED),
      50,
      30,
    );
    const { answer, charged } = await answerTo(media, 'mask', redMask(['N', 3, 8, 8]));
    expect(answer).toMatchObject({ kind: 'mask', height: 30, width: 50 });
    expect(charged).toEqual([50 * 30 * 2]);
  });

  it('a segmenter refuses a picture by its header if its mask would be too large', async () => {
    // The header of a PNG with one pixel more than there may be, and no pixels at all.
    const [small, large] = await Promise.all(
      [1, 2].map(async (edge) => {
        const bytes = await png(
          picture(edge, edge, () => RED),
          edge,
          edge,
        );
        bytes.writeUInt32BE(edge === 1 ? 4096 : 4097, 16);
        bytes.writeUInt32BE(8192, 20);
        bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
        return bytes;
      }),
    );
    const ask = (media: Buffer | undefined) =>
      answerTo(media ?? Buffer.alloc(0), 'mask', redMask(['N', 3, 8, 8]));
    await expect(ask(large)).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' });
    await expect(ask(small)).rejects.toMatchObject({ code: 'MEDIA_UNDECODABLE' });
  });
});
