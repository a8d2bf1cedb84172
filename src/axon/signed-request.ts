import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyAccount, BodyBudget } from '../admission/body-budget.ts';
import type { ClockSkew } from '../admission/clock-skew.ts';
import { createDeadline, type Deadline } from '../admission/deadline.ts';
import type { ReceivedBody } from '../answering/answerer.ts';
import type { Clock } from '../clock.ts';
import { LONGEST_REQUEST_MS } from '../epistula/replay-guard.ts';
import { asMinerError, MinerError } from '../errors.ts';
import { addressGroup } from '../net/address-group.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import { type RecordBuilder, type RequestRecord, startRecord } from '../telemetry/request-record.ts';
import { declaredBytesOf, receiveBody } from './body-sink.ts';
import type { SignedClaim } from './gates.ts';
import type { Caller, SignedProtocol } from './protocol.ts';

/** A request whose signature was verified, with its body. */
export interface VerifiedRequest<Claim extends SignedClaim> extends Caller<Claim> {
  readonly body: ReceivedBody;
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
}

export interface SignedRequestOptions {
  readonly budget: BodyBudget;
  readonly skew: ClockSkew;
  readonly temporary: TemporaryFolder;
  readonly clock: Clock;
  /** Told of each request when it is over. */
  readonly onRecord: (record: RequestRecord, error: MinerError | undefined) => void;
}

/** One signed route: what it checks before a body is read, and what it answers once the request is verified. */
export interface SignedRoute<Claim extends SignedClaim> {
  readonly name: string;
  /** What the path asks for. One signed request is served once for each task, on whichever of the task's paths. */
  readonly task: string;
  /** @throws MinerError where the route cannot be served now */
  readonly precondition: () => void;
  readonly respond: (request: VerifiedRequest<Claim>, reply: FastifyReply) => Promise<FastifyReply>;
}

/**
 * Makes the handler of a signed route: authenticate, receive, verify, respond, record. A signature that covers headers
 * alone is verified before the body is received.
 */
export function signedRequestHandler<Claim extends SignedClaim>(
  protocol: SignedProtocol<Claim>,
  options: SignedRequestOptions,
) {
  const { budget, skew, temporary, clock, onRecord } = options;

  /** Receives and verifies the body, hands it on, and leaves nothing of it behind. */
  async function withVerifiedBody<T>(
    request: FastifyRequest,
    task: string,
    { claim, signer }: Caller<Claim>,
    { record, deadline }: Pick<VerifiedRequest<Claim>, 'record' | 'deadline'>,
    use: (body: ReceivedBody) => Promise<T>,
  ): Promise<T> {
    const address = addressGroup(request.ip);
    const verified = async (verify: () => Promise<void>) => {
      await record.step('verify', verify);
      skew.learn(claim.signedBy, claim.timestampMs, record.arrivedAtMs);
      record.note({ validator: { hotkey: claim.signedBy, uid: signer.uid } });
    };
    if (protocol.covers === 'headers') await verified(() => protocol.verify(claim, { address, task }));

    const stop = new AbortController();
    const timer = setTimeout(
      () => stop.abort(new MinerError('AXON_BODY_TIMEOUT', 'the body did not arrive in time')),
      LONGEST_REQUEST_MS - record.elapsedMs(),
    );
    let account: BodyAccount | undefined;
    let body: ReceivedBody | undefined;
    try {
      const opened = await budget.open({
        address,
        hotkey: claim.signedBy,
        declaredBytes: declaredBytesOf(request.raw),
        prove: async () => protocol.covers === 'headers' || protocol.prove(claim, address),
        evict: (reason) => stop.abort(reason),
      });
      account = opened;
      if (protocol.covers === 'headers') account.confirm();
      body = await record.step('body', () =>
        receiveBody(request.raw, {
          account: opened,
          limitBytes: protocol.bodyLimitBytes,
          temporary,
          // Where the body is needed for the signature, the deadline does not end it: a copy that ends late must still
          // be read to be told that it is a replay.
          signal:
            protocol.covers === 'headers' ? AbortSignal.any([stop.signal, deadline.signal]) : stop.signal,
        }),
      );
      const { sha256Hex, length } = body;
      record.note({ bytes: length });
      if (protocol.covers === 'body') {
        await verified(() => protocol.verify(claim, sha256Hex, { address, task }));
        account.confirm();
      }
      return await use(body);
    } finally {
      clearTimeout(timer);
      account?.close();
      await body?.remove();
    }
  }

  /** The deadline of a request, ended early when the caller goes away. */
  function deadlineOf({ claim }: Caller<Claim>, record: RecordBuilder, reply: FastifyReply): Deadline {
    const waited = skew.waitingForMs(claim.signedBy, claim.timestampMs, record.arrivedAtMs);
    const deadline = createDeadline(clock, waited + record.elapsedMs(), claim.timeoutMs);
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return;
      deadline.cancel(new MinerError('AXON_BODY_ABORTED', 'the caller went away'));
    });
    return deadline;
  }

  return (route: SignedRoute<Claim>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
      const record = startRecord(route.name, request.ip, clock);
      let failure: MinerError | undefined;
      let deadline: Deadline | undefined;
      let claim: Claim | undefined;
      try {
        const caller = await record.step('authenticate', () => {
          const read = protocol.readClaim(request.headers, record.arrivedAtMs, route.name);
          claim = read;
          return protocol.admit(read, addressGroup(request.ip));
        });
        record.note({ claimedHotkey: caller.claim.signedBy });
        route.precondition();
        const made = deadlineOf(caller, record, reply);
        deadline = made;
        return await withVerifiedBody(request, route.task, caller, { record, deadline }, (body) =>
          route.respond({ ...caller, body, deadline: made, record }, reply),
        );
      } catch (error) {
        failure = asMinerError(error, 'AXON_INTERNAL');
        return protocol.refuse(reply, { error: failure, route: route.name, claim, record });
      } finally {
        deadline?.dispose();
        record.note({ spareMs: deadline?.remainingMs() });
        onRecord(record.finish(reply.statusCode, failure?.code ?? 'OK'), failure);
      }
    };
}
