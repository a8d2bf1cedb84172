// How answers and refusals go out on the public port, and until when an answer may wait in its socket.
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { type Deadline, REPLY_MARGIN_MS } from '../admission/deadline.ts';
import { MinerError } from '../errors.ts';
import type { Prediction } from '../inference/engine.ts';

type Mask = Extract<Prediction, { kind: 'mask' }>;

/** Bytes given to a socket in one turn of the event loop: the kernel copies them in less than a millisecond. */
const BYTES_PER_TURN = 512 * 1024;

/** Starts to send a prediction as validators read it: JSON for probabilities, raw little-endian float16 with its shape for a mask. */
export function sendPrediction(reply: FastifyReply, prediction: Prediction): FastifyReply {
  if (prediction.kind === 'mask') return sendMask(reply, prediction);
  return reply.send({ status: 'success', prediction: prediction.values });
}

/**
 * Waits until the socket has all of an answer that is being sent. An answer that is not read by the time its caller gives
 * up is cut off.
 * @throws MinerError ADMISSION_DEADLINE for an answer that was cut off, AXON_BODY_ABORTED when the caller went away first
 */
export async function untilTaken(
  reply: FastifyReply,
  deadline: Pick<Deadline, 'remainingMs'>,
): Promise<FastifyReply> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    reply.raw.destroy();
  }, deadline.remainingMs() + REPLY_MARGIN_MS);
  try {
    await finished(reply.raw);
    return reply;
  } catch (error) {
    throw late
      ? new MinerError('ADMISSION_DEADLINE', 'the caller did not read the answer in time', { cause: error })
      : new MinerError('AXON_BODY_ABORTED', 'the caller went away before it had the answer', {
          cause: error,
        });
  } finally {
    clearTimeout(timer);
  }
}

function sendMask(reply: FastifyReply, { height, width, float16le }: Mask): FastifyReply {
  return reply
    .header('X-Mask-Shape', `${height},${width}`)
    .header('X-Mask-Dtype', 'float16')
    .header('Content-Length', float16le.length)
    .type('application/octet-stream')
    .send(Readable.from(inTurns(float16le), { objectMode: false, highWaterMark: 1 }));
}

/** The bytes in pieces; other requests have the event loop between them. */
async function* inTurns(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += BYTES_PER_TURN) {
    yield bytes.subarray(offset, offset + BYTES_PER_TURN);
    await nextTurn();
  }
}

/** A refusal: `{"detail", "code"}` with the status that the fault deserves. The words of our own faults go to the log only. */
export function sendError(reply: FastifyReply, error: MinerError): FastifyReply {
  const detail = error.status === 500 ? 'Internal Server Error' : error.message;
  return reply.code(error.status).send({ detail, code: error.code });
}
