// Synapses, the protocol of the Bittensor SDK: the signature covers headers alone, and the body is JSON around the media.
import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import { parseSynapse, renderSynapse, SYNAPSE_NAMES, type SynapseName } from '../synapse/envelope.ts';
import { checkNonce, nanoseconds, readSynapseClaim, type SynapseClaim } from '../synapse/headers.ts';
import { unwrapMedia } from '../synapse/media.ts';
import { NO_FIELDS_HASH, synapseMessage } from '../synapse/messages.ts';
import {
  refusalStatus,
  replyHeaders,
  SUCCESS,
  type SynapseStatus,
  unknownSynapse,
} from '../synapse/replies.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';
import type { SignedProtocol } from './signed-protocol.ts';

interface SynapseProtocolOptions {
  /** This miner's hotkey. */
  readonly hotkey: string;
  /** SDK version that the axon announces, as a number in base 1000. */
  readonly axonVersion: number;
  /** How far ahead of our clock a request may be dated, in milliseconds. */
  readonly futureToleranceMs: number;
  readonly bodyLimitBytes: number;
  readonly clock: Clock;
}

/** What an answer is about. */
interface SynapseExchange {
  readonly name: string;
  readonly claim: SynapseClaim | undefined;
  readonly record: RecordBuilder | undefined;
}

export interface SynapseProtocol extends SignedProtocol<SynapseClaim> {
  /** Answers a path that names an unknown synapse, as the SDK's axon does; undefined for every other path. */
  refuseUnknown(
    request: { readonly url: string; readonly method: string },
    reply: FastifyReply,
  ): FastifyReply | undefined;
}

/** A body is taken apart in memory, which costs about three times its size. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;
/** Paths that a dendrite would make of a class name. */
const SYNAPSE_PATH = /^\/(\w{0,64}Synapse)(?:\?|$)/;

export function createSynapseProtocol(options: SynapseProtocolOptions): SynapseProtocol {
  const { hotkey: axonHotkey, axonVersion, futureToleranceMs, clock } = options;
  const axonUuid = randomUUID();

  function send(
    reply: FastifyReply,
    { name, claim, record }: SynapseExchange,
    status: SynapseStatus,
    body: Buffer,
  ): FastifyReply {
    const headers = replyHeaders({
      name,
      status,
      echo: claim?.echo ?? {},
      axon: { hotkey: axonHotkey, uuid: axonUuid, version: axonVersion, nonce: nanoseconds(clock.now()) },
      processTimeS: (record?.elapsedMs() ?? 0) / 1000,
      bodyBytes: body.length,
    });
    return reply.code(status.code).headers(headers).type('application/json').send(body);
  }

  /** Answers with a status in words. */
  const decline = (reply: FastifyReply, exchange: SynapseExchange, status: SynapseStatus): FastifyReply =>
    send(reply, exchange, status, Buffer.from(JSON.stringify({ message: status.message })));

  return {
    bodyLimitBytes: Math.min(options.bodyLimitBytes, BODY_LIMIT_BYTES),
    readClaim(headers, arrivedAtMs, route) {
      const claim = readSynapseClaim(headers, route.slice(1), axonHotkey);
      checkNonce(claim, nanoseconds(arrivedAtMs), futureToleranceMs);
      return claim;
    },
    beforeBody({ nonce, uuid, signature, bodyHash, hotkey, windowMs }, verify) {
      const message = synapseMessage({
        nonce,
        dendriteHotkey: hotkey,
        axonHotkey,
        dendriteUuid: uuid,
        bodyHash,
      });
      const signed = { message, signature, id: `${uuid}:${nonce}`, freshForMs: windowMs };
      return verify(signed, () => {
        if (bodyHash !== NO_FIELDS_HASH) {
          throw new MinerError(
            'AXON_SYNAPSE_INVALID',
            'the body hash is not that of a class without hashed fields',
          );
        }
      });
    },
    prove: async () => false,
    signalOf: ({ stop, deadline }) => AbortSignal.any([stop, deadline]),
    afterBody: async () => undefined,
    // A dendrite takes over every field of the answer, so the media goes back as it came.
    returnedBytes: (body) => body.length,
    async openBody({ claim, body, deadline, record }, route) {
      const name = route.slice(1) as SynapseName;
      const synapse = parseSynapse(await body.bytes(), name);
      const media = await record.step('unwrap', () => unwrapMedia(synapse, deadline.signal));
      return {
        media,
        word(prediction) {
          if (prediction.kind !== 'probabilities') {
            throw new MinerError('AXON_INTERNAL', 'a synapse was answered with a mask');
          }
          const json = renderSynapse(synapse, prediction.values);
          return (reply) => send(reply, { name, claim, record }, SUCCESS, json);
        },
      };
    },
    refuse(reply, { error, route, claim, record }) {
      const errorId = randomUUID();
      const status = refusalStatus(error, { timeoutMs: claim?.timeoutMs, errorId });
      if (status.code === 500) record.note({ errorId });
      return decline(reply, { name: route.slice(1), claim, record }, status);
    },
    refuseUnknown({ url, method }, reply) {
      const name = SYNAPSE_PATH.exec(url)?.[1];
      if (name === undefined || method !== 'POST') return undefined;
      const exchange = { name, claim: undefined, record: undefined };
      return decline(reply, exchange, unknownSynapse(name, SYNAPSE_NAMES));
    },
  };
}
