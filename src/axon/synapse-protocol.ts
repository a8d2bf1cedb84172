import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../clock.ts';
import { MinerError } from '../errors.ts';
import { synapseBodyHash } from '../synapse/body-hash.ts';
import { checkNonce, nanoseconds, readSynapseClaim, type SynapseClaim } from '../synapse/headers.ts';
import { synapseMessage } from '../synapse/messages.ts';
import { refusalStatus, replyHeaders, SUCCESS, type SynapseStatus } from '../synapse/replies.ts';
import type { RecordBuilder } from '../telemetry/request-record.ts';
import type { Gates } from './gates.ts';
import type { HeaderSignedProtocol } from './protocol.ts';

interface SynapseProtocolOptions {
  /** ss58 address of this miner's hotkey. */
  readonly hotkey: string;
  /** SDK version that the axon announces, as a number in base 1000. */
  readonly axonVersion: number;
  readonly futureToleranceMs: number;
  readonly bodyLimitBytes: number;
  readonly gates: Gates;
  readonly clock: Clock;
}

/** What an answer is about. */
interface SynapseExchange {
  readonly name: string;
  readonly claim: SynapseClaim | undefined;
  readonly record: RecordBuilder | undefined;
}

/** The SDK's own protocol: a dendrite's requests, and answers that a dendrite reads. */
export interface SynapseProtocol extends HeaderSignedProtocol<SynapseClaim> {
  /** Answers with a synapse as JSON. */
  succeed(reply: FastifyReply, exchange: SynapseExchange, json: Buffer): FastifyReply;
  /** Answers with a status in words. */
  decline(reply: FastifyReply, exchange: SynapseExchange, status: SynapseStatus): FastifyReply;
}

/** Bodies are taken apart in memory, which costs about three times their size. */
const BODY_LIMIT_BYTES = 64 * 1024 * 1024;

export function createSynapseProtocol(options: SynapseProtocolOptions): SynapseProtocol {
  const { hotkey, axonVersion, futureToleranceMs, gates, clock } = options;
  const axonUuid = randomUUID();
  const validBodyHash = synapseBodyHash();

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
      axon: { hotkey, uuid: axonUuid, version: axonVersion, nonce: nanoseconds(clock.now()) },
      processTimeS: (record?.elapsedMs() ?? 0) / 1000,
      bodyBytes: body.length,
    });
    return reply.code(status.code).headers(headers).type('application/json').send(body);
  }

  const decline: SynapseProtocol['decline'] = (reply, exchange, status) =>
    send(reply, exchange, status, Buffer.from(JSON.stringify({ message: status.message })));

  return {
    covers: 'headers',
    bodyLimitBytes: Math.min(options.bodyLimitBytes, BODY_LIMIT_BYTES),
    readClaim(headers, arrivedAtMs, route) {
      const claim = readSynapseClaim(headers, route.slice(1), hotkey);
      checkNonce(claim, nanoseconds(arrivedAtMs), futureToleranceMs);
      return claim;
    },
    admit: async (claim, address) => ({ claim, signer: await gates.admit(claim, address) }),
    async verify(claim, { address, task }) {
      const { nonce, uuid, signature, bodyHash, signedBy, windowMs } = claim;
      const message = synapseMessage({
        nonce,
        dendriteHotkey: signedBy,
        axonHotkey: hotkey,
        dendriteUuid: uuid,
        bodyHash,
      });
      const signed = { message, signature, id: `${uuid}:${nonce}`, task, freshForMs: windowMs };
      await gates.accept(claim, signed, address);
      if (bodyHash !== validBodyHash) {
        throw new MinerError(
          'AXON_SYNAPSE_INVALID',
          'the body hash is not that of a class without hashed fields',
        );
      }
    },
    refuse(reply, { error, route, claim, record }) {
      const errorId = randomUUID();
      const status = refusalStatus(error, { timeoutMs: claim?.timeoutMs, errorId });
      if (status.code === 500) record.note({ errorId });
      return decline(reply, { name: route.slice(1), claim, record }, status);
    },
    succeed: (reply, exchange, json) => send(reply, exchange, SUCCESS, json),
    decline,
  };
}
