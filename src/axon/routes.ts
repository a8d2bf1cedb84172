// The paths of the public port, and what each answers. One `answerRoute` serves the tasks of both signed protocols.
import type { FastifyInstance, HTTPMethods } from 'fastify';
import type { AnswerBudget } from '../admission/answer-budget.ts';
import type { Scheduler } from '../admission/scheduler.ts';
import { type Answerer, assertWarm } from '../answering/answerer.ts';
import type { EpistulaClaim } from '../epistula/headers.ts';
import { MinerError } from '../errors.ts';
import type { Task } from '../inference/contract/model-json.ts';
import { SYNAPSE_NAMES, SYNAPSES } from '../synapse/envelope.ts';
import { sendError, untilTaken } from './replies.ts';
import type { SignedClaim, SignedProtocol } from './signed-protocol.ts';
import { type SignedRequestOptions, type SignedRoute, signedRequestHandler } from './signed-request.ts';
import type { SynapseProtocol } from './synapse-protocol.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route serves signed requests only. */
    isSigned?: boolean;
  }
}

export interface AxonRoutes {
  readonly minerType: 'detector' | 'segmenter';
  /** This miner's hotkey. */
  readonly hotkey: string;
  /** This miner's uid on the subnet; undefined while it is not registered. */
  readonly uid: () => number | undefined;
  readonly answerer: Answerer;
  readonly scheduler: Scheduler;
  readonly answers: AnswerBudget;
  readonly epistula: SignedProtocol<EpistulaClaim>;
  /** The SDK's own protocol; absent if it is not served. */
  readonly synapse?: SynapseProtocol;
  readonly signed: SignedRequestOptions;
}

/**
 * The paths of each task. A validator's proxy formats the member of a `str, Enum` class into the path, which Python 3.11
 * and later print as `Modality.IMAGE`.
 */
const TASK_PATHS: Readonly<Record<Task, readonly string[]>> = {
  image: ['/detect_image', '/detect_Modality.IMAGE'],
  video: ['/detect_video', '/detect_Modality.VIDEO'],
  mask: ['/segment_image'],
};

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Registers all routes of the public port. Those of the other miner type stay unknown: 404 makes a validator ask again. */
export function registerRoutes(app: FastifyInstance, routes: AxonRoutes): void {
  const { minerType, hotkey, uid, answerer, epistula, synapse, signed } = routes;

  for (const path of ['/', '/healthcheck']) {
    app.get(path, async (_request, reply) => reply.send(200));
    refuseOtherMethods(app, path, ['GET', 'HEAD']);
  }

  const minerInfo = signedRequestHandler(
    epistula,
    signed,
  )({
    name: '/miner_info',
    task: 'miner_info',
    precondition: () => undefined,
    respond: async (_request, reply) =>
      reply.send({ miner_type: minerType.toUpperCase(), uid: uid() ?? -1, hotkey }),
  });
  app.get('/miner_info', { exposeHeadRoute: false, config: { isSigned: true } }, minerInfo);
  refuseOtherMethods(app, '/miner_info', ['GET']);

  const answerAt = <Claim extends SignedClaim>(
    path: string,
    task: Task,
    protocol: SignedProtocol<Claim>,
  ): void => {
    const handle = signedRequestHandler(protocol, signed)(answerRoute(path, task, protocol, routes));
    app.post(path, { config: { isSigned: true } }, handle);
    refuseOtherMethods(app, path, ['POST']);
  };
  for (const task of answerer.tasks) {
    for (const path of TASK_PATHS[task]) answerAt(path, task, epistula);
  }
  if (synapse !== undefined) {
    // A dendrite posts to the name of the class.
    for (const name of SYNAPSE_NAMES) answerAt(`/${name}`, SYNAPSES[name].task, synapse);
  }
}

/** Waits for its turn, takes the media out of the body, has it answered, and sends the answer. */
function answerRoute<Claim extends SignedClaim>(
  path: string,
  task: Task,
  protocol: SignedProtocol<Claim>,
  { answerer, scheduler, answers }: Pick<AxonRoutes, 'answerer' | 'scheduler' | 'answers'>,
): SignedRoute<Claim> {
  const lane = task === 'video' ? 'video' : 'image';
  return {
    name: path,
    task,
    precondition: () => assertWarm(answerer, task),
    async respond(request, reply) {
      const { claim, deadline, record, body } = request;
      const caller = claim.hotkey;
      const queuedAtMs = record.elapsedMs();
      const room = answers.open(caller);
      try {
        room.charge(protocol.returnedBytes(body));
        const send = await scheduler.run({ lane, caller, deadline }, async (freeSlot) => {
          record.took('wait', record.elapsedMs() - queuedAtMs);
          const { media, word } = await protocol.openBody(request, path);
          // The slots of the video lane are for decoding, and the model has a queue of its own.
          const context = { deadline, record, room, onClipDecoded: freeSlot };
          return word(await answerer.answer(task, media, context));
        });
        return await untilTaken(send(reply), deadline);
      } finally {
        room.close();
      }
    },
  };
}

/** 405 for every method that the path does not take. */
function refuseOtherMethods(app: FastifyInstance, path: string, allowed: readonly HTTPMethods[]): void {
  const method = METHODS.filter((name) => !allowed.includes(name));
  app.route({
    url: path,
    method,
    handler: async (_request, reply) => {
      reply.header('Allow', allowed.join(', '));
      return sendError(reply, new MinerError('AXON_METHOD_NOT_ALLOWED', 'Method Not Allowed'));
    },
  });
}
