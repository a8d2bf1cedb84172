import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerBudget } from '../admission/answer-budget.ts';
import type { Scheduler } from '../admission/scheduler.ts';
import { type Answerer, assertWarm } from '../answering/answerer.ts';
import { MinerError } from '../errors.ts';
import {
  parseSynapse,
  renderSynapse,
  SYNAPSE_NAMES,
  SYNAPSES,
  type SynapseName,
} from '../synapse/envelope.ts';
import type { SynapseClaim } from '../synapse/headers.ts';
import { unwrapMedia } from '../synapse/media.ts';
import { unknownSynapse } from '../synapse/replies.ts';
import { untilTaken } from './replies.ts';
import { type SignedRequestOptions, type SignedRoute, signedRequestHandler } from './signed-request.ts';
import type { SynapseProtocol } from './synapse-protocol.ts';

interface SynapseRoutes {
  readonly answerer: Answerer;
  readonly scheduler: Scheduler;
  readonly answers: AnswerBudget;
  readonly signed: SignedRequestOptions;
}

/** Paths that a dendrite would make of a class name. */
const SYNAPSE_PATH = /^\/(\w{0,64}Synapse)(?:\?|$)/;

/** Registers a route for each synapse class; a dendrite posts to the name of the class. */
export function registerSynapseRoutes(
  app: FastifyInstance,
  protocol: SynapseProtocol,
  routes: SynapseRoutes,
): void {
  const handlerOf = signedRequestHandler(protocol, routes.signed);
  for (const name of SYNAPSE_NAMES) {
    app.post(`/${name}`, { config: { isSigned: true } }, handlerOf(synapseRoute(name, protocol, routes)));
  }
}

/** Answers a path that names an unknown synapse as an SDK's axon does; undefined for every other path. */
export function refuseUnknownSynapse(
  protocol: SynapseProtocol,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply | undefined {
  const name = SYNAPSE_PATH.exec(request.url)?.[1];
  if (name === undefined || request.method !== 'POST') return undefined;
  const exchange = { name, claim: undefined, record: undefined };
  return protocol.decline(reply, exchange, unknownSynapse(name, SYNAPSE_NAMES));
}

function synapseRoute(
  name: SynapseName,
  protocol: SynapseProtocol,
  { answerer, scheduler, answers }: SynapseRoutes,
): SignedRoute<SynapseClaim> {
  const { task } = SYNAPSES[name];
  return {
    name: `/${name}`,
    task,
    precondition: () => assertWarm(answerer, task),
    respond: async ({ claim, deadline, record, body }, reply) => {
      const job = { lane: task, caller: claim.signedBy, deadline };
      const queuedAt = record.elapsedMs();
      const room = answers.open(claim.signedBy);
      try {
        // The media goes back as it came.
        room.charge(body.length);
        const json = await scheduler.run(job, async () => {
          record.took('wait', record.elapsedMs() - queuedAt);
          const synapse = parseSynapse(await body.bytes(), name);
          const media = await record.step('unwrap', () => unwrapMedia(synapse, deadline.signal));
          const prediction = await answerer.answer(task, media, { deadline, record, room });
          if (prediction.kind !== 'probabilities') {
            throw new MinerError('AXON_INTERNAL', 'a synapse was answered with a mask');
          }
          return renderSynapse(synapse, prediction.values);
        });
        return await untilTaken(protocol.succeed(reply, { name, claim, record }, json), deadline);
      } finally {
        room.close();
      }
    },
  };
}
