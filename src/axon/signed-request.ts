import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyAccount, BodyBudget } from '../admission/body-budget.ts';
import type { ClockSkew } from '../admission/clock-skew.ts';
import { createDeadline, type Deadline } from '../admission/deadline.ts';
import type { Clock } from '../clock.ts';
import { LONGEST_REQUEST_MS } from '../epistula/replay-guard.ts';
import { asMinerError, MinerError } from '../errors.ts';
import type { TemporaryFolder } from '../media/temporary-file.ts';
import { type RecordBuilder, type RequestRecord, startRecord } from '../telemetry/request-record.ts';
import type { Authenticator, Caller } from './authenticate.ts';
import { declaredBytesOf, type ReceivedBody, receiveBody } from './body-sink.ts';
import { sendError } from './replies.ts';

/** A request whose signature was verified, with its body. */
export interface VerifiedRequest extends Caller {
  readonly body: ReceivedBody;
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
}

export interface SignedRequestOptions {
  readonly authenticator: Authenticator;
  readonly budget: BodyBudget;
  readonly skew: ClockSkew;
  readonly temporary: TemporaryFolder;
  readonly bodyLimitBytes: number;
  readonly clock: Clock;
  /** Told of each request when it is over. */
  readonly onRecord: (record: RequestRecord, error: MinerError | undefined) => void;
}

/** One signed route: what it checks before a body is read, and what it answers once the request is verified. */
export interface SignedRoute {
  readonly name: string;
  /** @throws MinerError where the route cannot be served now */
  readonly precondition: () => void;
  readonly respond: (request: VerifiedRequest, reply: FastifyReply) => Promise<FastifyReply>;
}

/** Makes the handler of a signed route: authenticate, receive, verify, respond, record. */
export function signedRequestHandler(options: SignedRequestOptions) {
  const { authenticator, budget, skew, temporary, bodyLimitBytes, clock, onRecord } = options;

  /** Receives and verifies the body, hands it on, and leaves nothing of it behind. */
  async function withVerifiedBody<T>(
    request: FastifyRequest,
    { claim, signer }: Caller,
    record: RecordBuilder,
    use: (body: ReceivedBody) => Promise<T>,
  ): Promise<T> {
    const address = request.ip;
    const stop = new AbortController();
    // Not the deadline: a copy that ends late must still be read to be told that it is a replay.
    const timer = setTimeout(
      () => stop.abort(new MinerError('AXON_BODY_TIMEOUT', 'the body did not arrive in time')),
      LONGEST_REQUEST_MS - record.elapsedMs(),
    );
    let account: BodyAccount | undefined;
    let body: ReceivedBody | undefined;
    try {
      const { signal } = stop;
      const opened = await budget.open({
        address,
        declaredBytes: declaredBytesOf(request.raw),
        prove: () => authenticator.prove(claim, address),
        evict: (reason) => stop.abort(reason),
      });
      account = opened;
      body = await record.step('body', () =>
        receiveBody(request.raw, { account: opened, limitBytes: bodyLimitBytes, temporary, signal }),
      );
      const { sha256Hex, length } = body;
      record.note({ bytes: length });
      await record.step('verify', () => authenticator.verify(claim, sha256Hex, address));
      account.confirm();
      skew.learn(claim.signedBy, claim.timestampMs, record.arrivedAtMs);
      record.note({ validator: { hotkey: claim.signedBy, uid: signer.uid } });
      return await use(body);
    } finally {
      clearTimeout(timer);
      account?.close();
      await body?.remove();
    }
  }

  /** The deadline of a request, ended early when the caller goes away. */
  function deadlineOf({ claim }: Caller, record: RecordBuilder, reply: FastifyReply): Deadline {
    const waited = skew.waitingForMs(claim.signedBy, claim.timestampMs, record.arrivedAtMs);
    const deadline = createDeadline(clock, waited + record.elapsedMs());
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return;
      deadline.cancel(new MinerError('AXON_BODY_ABORTED', 'the caller went away'));
    });
    return deadline;
  }

  return (route: SignedRoute) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const record = startRecord(route.name, request.ip, clock);
      let failure: MinerError | undefined;
      let deadline: Deadline | undefined;
      try {
        const caller = await record.step('authenticate', () =>
          authenticator.identify(request.headers, record.arrivedAtMs, request.ip),
        );
        record.note({ claimedHotkey: caller.claim.signedBy });
        route.precondition();
        const made = deadlineOf(caller, record, reply);
        deadline = made;
        return await withVerifiedBody(request, caller, record, (body) =>
          route.respond({ ...caller, body, deadline: made, record }, reply),
        );
      } catch (error) {
        failure = asMinerError(error, 'AXON_INTERNAL');
        return sendError(reply, failure);
      } finally {
        deadline?.dispose();
        record.note({ spareMs: deadline?.remainingMs() });
        onRecord(record.finish(reply.statusCode, failure?.code ?? 'OK'), failure);
      }
    };
}
