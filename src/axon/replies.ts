import type { FastifyReply } from 'fastify';
import type { MinerError } from '../errors.ts';
import type { Prediction } from '../inference/engine.ts';

/** A prediction as validators read it: JSON for probabilities, raw little-endian float16 with its shape for a mask. */
export function sendPrediction(reply: FastifyReply, prediction: Prediction): FastifyReply {
  if (prediction.kind === 'probabilities') {
    return reply.send({ status: 'success', prediction: prediction.values });
  }
  return reply
    .header('X-Mask-Shape', `${prediction.height},${prediction.width}`)
    .header('X-Mask-Dtype', 'float16')
    .type('application/octet-stream')
    .send(prediction.float16le);
}

/** A refusal: `{"detail", "code"}` with the status that the fault deserves. Faults of our own keep their words to the log. */
export function sendError(reply: FastifyReply, error: MinerError): FastifyReply {
  const detail = error.status === 500 ? 'Internal Server Error' : error.message;
  return reply.code(error.status).send({ detail, code: error.code });
}
