import type { Mutant } from '../mutant.ts';

/** What a signed request may do once its headers are read: its body, its time, its share of the room. */

const REQUEST = {
  file: 'src/axon/signed-request.ts',
  tests: ['test/axon/server.test.ts', 'test/axon/synapse.test.ts', 'test/e2e/refusals.test.ts'],
};
const BODY = { file: 'src/axon/body-sink.ts', tests: ['test/axon/body-sink.test.ts'] };
const BUDGET = { file: 'src/admission/body-budget.ts', tests: ['test/admission/body-budget.test.ts'] };
const SKEW = { file: 'src/admission/clock-skew.ts', tests: ['test/admission/clock-skew.test.ts'] };
const DEADLINE = { file: 'src/admission/deadline.ts', tests: ['test/admission/deadline.test.ts'] };
const SCHEDULER = { file: 'src/admission/scheduler.ts', tests: ['test/admission/scheduler.test.ts'] };

export const REQUESTS: readonly Mutant[] = [
  {
    ...REQUEST,
    name: 'A signature over the body is not verified',
    find: 'await verified(() => protocol.verify(claim, sha256Hex, address));',
    replace: '',
  },
  {
    ...REQUEST,
    name: 'A signature over the headers is not verified',
    find: "if (protocol.covers === 'headers') await verified(() => protocol.verify(claim, address));",
    replace: '',
  },
  {
    ...REQUEST,
    name: 'A body is received while the model still loads',
    find: 'route.precondition();',
    replace: '',
  },
  {
    ...REQUEST,
    name: 'A body may take a minute',
    find: 'LONGEST_REQUEST_MS - record.elapsedMs(),',
    replace: '60_000,',
  },
  {
    ...REQUEST,
    name: 'The file of a body stays after the answer',
    find: 'await body?.remove();',
    replace: '',
  },
  {
    ...REQUEST,
    name: 'The room of a body stays taken after the answer',
    find: 'account?.close();',
    replace: '',
  },
  {
    ...REQUEST,
    name: 'Work goes on for a caller that went away',
    find: "deadline.cancel(new MinerError('AXON_BODY_ABORTED', 'the caller went away'));",
    replace: '',
  },
  {
    ...BODY,
    name: 'A body that says it is too large is received',
    find: 'if (declaredBytes !== undefined && declaredBytes > limitBytes) throw tooLarge(limitBytes);',
    replace: '',
  },
  {
    ...BODY,
    name: 'A body that becomes too large is received',
    find: 'if (store.length + chunk.length > limitBytes) throw tooLarge(limitBytes);',
    replace: '',
  },
  {
    ...BODY,
    name: 'The bytes of a body take no room',
    find: 'await account.charge(chunk.length);',
    replace: '',
  },
  { ...BODY, name: 'A body is not hashed', find: 'hash.update(chunk);', replace: '' },
  {
    ...BODY,
    name: 'An unproven caller may upload as slowly as it likes',
    find: 'if (slow) stop.abort(',
    replace: 'if (false) stop.abort(',
  },
  {
    ...BODY,
    tests: ['test/e2e/refusals.test.ts'],
    name: 'A body may come in chunks of one byte',
    find: 'MAX_FRAMING_RATIO * received + FREE_FRAMING_BYTES',
    replace: 'Number.POSITIVE_INFINITY',
  },
  {
    ...BODY,
    name: 'A body that breaks off counts as whole',
    find: 'if (!raw.complete) throw',
    replace: 'if (false) throw',
    reason: 'Node itself fails the body then; the check stays for the case that a later Node does not',
  },
  { ...BODY, name: 'The file of a refused body stays', find: 'await store.remove();', replace: '' },
  {
    ...BUDGET,
    name: 'One address may have any number of claimed uploads',
    find: 'if (same.length > MAX_CLAIMED_UPLOADS_PER_ADDRESS) return same;',
    replace: '',
  },
  {
    ...BUDGET,
    name: 'Claimed uploads of one address may take all room for claimed ones',
    find: 'if (sum(same) + bytes > addressLimit) return holding(same);',
    replace: '',
  },
  {
    ...BUDGET,
    name: 'There may be any number of claimed uploads',
    find: 'if (all.length > MAX_CLAIMED_UPLOADS) return all;',
    replace: '',
  },
  {
    ...BUDGET,
    name: 'Claimed uploads may take all room',
    find: 'if (sum(all) + bytes > claimedLimit) return holding(all);',
    replace: '',
  },
  {
    ...BUDGET,
    name: 'Bodies may take more than all room',
    find: 'return sum([...accounts]) + bytes > totalBytes ? holding(all) : undefined;',
    replace: 'return undefined;',
  },
  {
    ...BUDGET,
    name: 'An upload of a proven caller makes way, too',
    find: 'await prove(victim);',
    replace: '',
  },
  {
    ...SKEW,
    name: 'A single caller corrects the clock',
    find: 'callers >= ENOUGH_CALLERS',
    replace: 'callers >= 1',
  },
  {
    ...SKEW,
    name: 'The clocks of any number of callers are remembered',
    find: 'if (offsets.size > MAX_CALLERS && oldest !== undefined) offsets.delete(oldest);',
    replace: '',
  },
  {
    ...DEADLINE,
    name: 'A caller may name any timeout',
    find: 'Math.min(timeoutMs, VALIDATOR_TIMEOUT_MS)',
    replace: 'timeoutMs',
  },
  {
    ...DEADLINE,
    name: 'No time is kept back for the way of the answer',
    find: 'patienceMs - REPLY_MARGIN_MS',
    replace: 'patienceMs',
  },
  {
    ...SCHEDULER,
    name: 'Any number of requests wait for their turn',
    find: 'if (waiting.size > maxWaiting) {',
    replace: 'if (false) {',
  },
  {
    ...SCHEDULER,
    name: 'The validator with the most running jobs may have the next turn',
    find: '(running.get(a.caller) ?? 0) - (running.get(b.caller) ?? 0) ||',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'A request whose time is over waits for its turn',
    find: 'if (signal.aborted) return reject(signal.reason);',
    replace: '',
  },
];
