// Takes a signed request from its headers to its verified body, and writes its record when it is over.
// Each signed route of routes.ts has such a handler; the signed protocol says what is verified, and when.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BodyAccount, BodyBudget } from '../admission/body-budget.ts';
import type { ClockSkew } from '../admission/clock-skew.ts';
import { createDeadline, type Deadline } from '../admission/deadline.ts';
import type { ReceivedBody } from '../answering/answerer.ts';
import type { Clock } from '../clock.ts';
import { LONGEST_REQUEST_MS, type ReplayGuard } from '../epistula/replay-guard.ts';
import type { SignatureVerifier } from '../epistula/signature-verifier.ts';
import { asMinerError, MinerError } from '../errors.ts';
import { addressGroup } from '../net/address-group.ts';
import type { TemporaryFolder } from '../state/temporary-file.ts';
import { type RecordBuilder, type RequestRecord, startRecord } from '../telemetry/request-record.ts';
import { declaredBytesOf, receiveBody } from './receive-body.ts';
import type { SignedClaim, SignedProtocol, SignedText, VerifiedRequest, Verify } from './signed-protocol.ts';
import type { StakeCheck } from './stake-check.ts';

export interface SignedRequestOptions {
  readonly verifier: Pick<SignatureVerifier, 'verify'>;
  readonly replayGuard: Pick<ReplayGuard, 'refuseUnknown' | 'remember'>;
  readonly checkStake: StakeCheck;
  readonly budget: BodyBudget;
  readonly skew: ClockSkew;
  readonly temporary: TemporaryFolder;
  readonly clock: Clock;
  /** Called for each request when it is over. */
  readonly onRecord: (record: RequestRecord, error: MinerError | undefined) => void;
}

/** One signed route: what it checks before a body is read, and what it answers once the request is verified. */
export interface SignedRoute<Claim extends SignedClaim> {
  readonly name: string;
  /** What the path asks for. One signed request is served once for each task, on whichever of the task's paths. */
  readonly task: string;
  /** @throws MinerError if the route cannot be served now */
  readonly precondition: () => void;
  readonly respond: (request: VerifiedRequest<Claim>, reply: FastifyReply) => Promise<FastifyReply>;
}

/** A request whose hotkey passed the stake check; its signature is not verified yet. */
interface ClaimedRequest<Claim extends SignedClaim> {
  readonly claim: Claim;
  readonly uid: number;
  readonly deadline: Deadline;
  readonly record: RecordBuilder;
}

/** Makes the handler of a signed route: read the claim, check the stake, receive, verify, respond, record. */
export function signedRequestHandler<Claim extends SignedClaim>(
  protocol: SignedProtocol<Claim>,
  options: SignedRequestOptions,
) {
  const { verifier, replayGuard, checkStake, budget, skew, temporary, clock, onRecord } = options;

  /** Receives the body, verifies the request, hands the body on, and leaves nothing of it behind. */
  async function withVerifiedBody<T>(
    request: FastifyRequest,
    task: string,
    { claim, uid, record, deadline }: ClaimedRequest<Claim>,
    use: (body: ReceivedBody) => Promise<T>,
  ): Promise<T> {
    const remoteAddress = addressGroup(request.ip);
    let account: BodyAccount | undefined;
    let body: ReceivedBody | undefined;
    let isVerified = false;
    const { hotkey, timestampMs } = claim;
    const holds = ({ message, signature }: SignedText) =>
      verifier.verify({ message, signature, hotkey }, remoteAddress);
    const verify: Verify = async (signed, check) => {
      await record.step('verify', async () => {
        if (!(await holds(signed))) throw new MinerError('AXON_SIGNATURE_MISMATCH', 'Signature Mismatch');
        const { id, freshForMs } = signed;
        if (!replayGuard.remember({ hotkey, id, task, timestampMs, freshForMs })) {
          throw new MinerError('AXON_REPLAY', 'request was already served');
        }
        check?.();
      });
      isVerified = true;
      skew.learn(hotkey, timestampMs, record.arrivedAtMs);
      record.note({ validator: { hotkey, uid } });
      account?.confirm();
    };
    await protocol.beforeBody(claim, verify);

    const stop = new AbortController();
    const timer = setTimeout(
      () => stop.abort(new MinerError('AXON_BODY_TIMEOUT', 'the body did not arrive in time')),
      LONGEST_REQUEST_MS - record.elapsedMs(),
    );
    try {
      const opened = await budget.open({
        remoteAddress,
        hotkey,
        declaredBytes: declaredBytesOf(request.raw),
        prove: async () => isVerified || protocol.prove(claim, holds),
        evict: (reason) => stop.abort(reason),
      });
      account = opened;
      if (isVerified) account.confirm();
      body = await record.step('body', () =>
        receiveBody(request.raw, {
          account: opened,
          limitBytes: protocol.bodyLimitBytes,
          temporary,
          signal: protocol.signalOf({ stop: stop.signal, deadline: deadline.signal }),
        }),
      );
      record.note({ bytes: body.length });
      await protocol.afterBody(claim, body.sha256Hex, verify);
      return await use(body);
    } finally {
      clearTimeout(timer);
      account?.close();
      await body?.remove();
    }
  }

  /** The deadline of a request. It ends early if the caller goes away. */
  function deadlineOf(claim: Claim, record: RecordBuilder, reply: FastifyReply): Deadline {
    const waitedMs = skew.waitingForMs(claim.hotkey, claim.timestampMs, record.arrivedAtMs);
    const deadline = createDeadline(clock, waitedMs + record.elapsedMs(), claim.timeoutMs);
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
        const read = await record.step('authenticate', async () => {
          claim = protocol.readClaim(request.headers, record.arrivedAtMs, route.name);
          replayGuard.refuseUnknown(claim.timestampMs);
          const { uid } = await checkStake(claim.hotkey, addressGroup(request.ip));
          return { claim, uid };
        });
        record.note({ claimedHotkey: read.claim.hotkey });
        route.precondition();
        const made = deadlineOf(read.claim, record, reply);
        deadline = made;
        const claimed = { ...read, record, deadline: made };
        return await withVerifiedBody(request, route.task, claimed, (body) =>
          route.respond({ claim: read.claim, body, deadline: made, record }, reply),
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
