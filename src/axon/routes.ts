import type { FastifyInstance, HTTPMethods } from 'fastify';
import type { AnswerBudget } from '../admission/answer-budget.ts';
import type { Scheduler } from '../admission/scheduler.ts';
import { type Answerer, assertWarm } from '../answering/answerer.ts';
import type { EpistulaClaim } from '../epistula/headers.ts';
import { MinerError } from '../errors.ts';
import type { Task } from '../inference/contract/model-json.ts';
import { SYNAPSE_NAMES } from '../synapse/envelope.ts';
import type { SignedProtocol } from './protocol.ts';
import { sendError, sendPrediction } from './replies.ts';
import { type SignedRequestOptions, type SignedRoute, signedRequestHandler } from './signed-request.ts';
import type { SynapseProtocol } from './synapse-protocol.ts';
import { registerSynapseRoutes } from './synapse-routes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route serves signed requests only. */
    isSigned?: boolean;
  }
}

export interface AxonRoutes {
  readonly minerType: 'detector' | 'segmenter';
  /** ss58 address of this miner's hotkey. */
  readonly hotkey: string;
  /** This miner's uid on the subnet; undefined while it is not registered. */
  readonly uid: () => number | undefined;
  readonly answerer: Answerer;
  readonly scheduler: Scheduler;
  readonly answers: AnswerBudget;
  readonly authenticator: SignedProtocol<EpistulaClaim>;
  /** The SDK's own protocol, where it is served. */
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
  const { minerType, hotkey, uid, answerer, scheduler, answers, synapse, signed } = routes;
  const handlerOf = signedRequestHandler(routes.authenticator, signed);

  for (const path of ['/', '/healthcheck']) {
    app.get(path, async (_request, reply) => reply.send(200));
    refuseOtherMethods(app, path, ['GET', 'HEAD']);
  }

  const minerInfo: SignedRoute<EpistulaClaim> = {
    name: '/miner_info',
    task: 'miner_info',
    precondition: () => undefined,
    respond: async (_request, reply) =>
      reply.send({ miner_type: minerType.toUpperCase(), uid: uid() ?? -1, hotkey }),
  };
  app.get('/miner_info', { exposeHeadRoute: false, config: { isSigned: true } }, handlerOf(minerInfo));
  refuseOtherMethods(app, '/miner_info', ['GET']);

  for (const task of answerer.tasks) {
    for (const path of TASK_PATHS[task]) {
      app.post(path, { config: { isSigned: true } }, handlerOf(taskRoute(path, task, routes)));
      refuseOtherMethods(app, path, ['POST']);
    }
  }
  if (synapse !== undefined) {
    registerSynapseRoutes(app, synapse, { answerer, scheduler, answers, signed });
    for (const name of SYNAPSE_NAMES) refuseOtherMethods(app, `/${name}`, ['POST']);
  }
}

function taskRoute(
  path: string,
  task: Task,
  { answerer, scheduler, answers }: Pick<AxonRoutes, 'answerer' | 'scheduler' | 'answers'>,
): SignedRoute<EpistulaClaim> {
  return {
    name: path,
    task,
    precondition: () => assertWarm(answerer, task),
    respond: async ({ claim, deadline, record, body }, reply) => {
      const job = {
        lane: task === 'video' ? ('video' as const) : ('image' as const),
        caller: claim.signedBy,
        deadline,
      };
      const queuedAt = record.elapsedMs();
      const room = answers.open(claim.signedBy);
      try {
        const prediction = await scheduler.run(job, () => {
          record.took('wait', record.elapsedMs() - queuedAt);
          return answerer.answer(task, body, { deadline, record, room });
        });
        return await sendPrediction(reply, prediction, deadline);
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
