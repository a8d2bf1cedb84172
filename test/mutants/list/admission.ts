import type { Mutant } from '../mutant.ts';

/** What one caller may hold: room for bodies and answers, open requests, slots, time. */

const BUDGET = { file: 'src/admission/body-budget.ts', tests: ['test/admission/body-budget.test.ts'] };
const ANSWERS = { file: 'src/admission/answer-budget.ts', tests: ['test/admission/answer-budget.test.ts'] };
const REPLIES = { file: 'src/axon/replies.ts', tests: ['test/axon/replies.test.ts'] };
const ROUTES = { file: 'src/axon/routes.ts', tests: ['test/axon/video-slots.test.ts'] };
const OPEN = { file: 'src/admission/open-requests.ts', tests: ['test/admission/open-requests.test.ts'] };
const RATE = { file: 'src/admission/request-rate.ts', tests: ['test/admission/request-rate.test.ts'] };
const SKEW = { file: 'src/admission/clock-skew.ts', tests: ['test/admission/clock-skew.test.ts'] };
const DEADLINE = { file: 'src/admission/deadline.ts', tests: ['test/admission/deadline.test.ts'] };
const SCHEDULER = { file: 'src/admission/scheduler.ts', tests: ['test/admission/scheduler.test.ts'] };
const WORK_TIMES = { ...SCHEDULER, tests: ['test/admission/work-times.test.ts'] };
const ADDRESS = { file: 'src/net/address-group.ts', tests: ['test/net/address-group.test.ts'] };

export const ADMISSION: readonly Mutant[] = [
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
    find: 'if (sum([...accounts]) + bytes <= totalBytes) return undefined;',
    replace: 'return undefined;',
  },
  {
    ...BUDGET,
    name: 'One proven hotkey may have any number of uploads, by a copied proof',
    find: 'if (same.length > MAX_PROVEN_UPLOADS_PER_HOTKEY) return same;',
    replace: '',
  },
  {
    ...BUDGET,
    name: 'Uploads of one proven hotkey may take all room, by a copied proof',
    find: 'if (sum(same) + bytes > hotkeyLimit) return holding(same);',
    replace: '',
  },
  {
    ...BUDGET,
    name: 'A verified upload counts against the share of its hotkey',
    find: '(account) => account.isProven && !account.isVerified && account.upload.hotkey === hotkey',
    replace: '(account) => account.isProven && account.upload.hotkey === hotkey',
  },
  {
    ...BUDGET,
    name: 'A slower upload of a hotkey ends a quicker one of the same',
    find: 'return !isAmongEquals || expectedLifeMs(victim) >= expectedLifeMs(account);',
    replace: 'return true;',
  },
  {
    ...BUDGET,
    name: 'A proven hotkey that holds more than another makes the other give way',
    find: 'return sum(largest) > bytes ? largest : [];',
    replace: 'return largest;',
  },
  {
    ...BUDGET,
    name: 'A proof that cannot be had fails the upload',
    find: '.catch(() => false)',
    replace: '',
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
    find: 'count >= ENOUGH_CALLERS',
    replace: 'count >= 1',
  },
  {
    ...SKEW,
    name: 'The clocks of any number of callers are remembered',
    find: 'if (callers.size > MAX_CALLERS && oldest !== undefined) callers.delete(oldest);',
    replace: '',
  },
  {
    ...SKEW,
    name: 'Any number of offsets of a caller are remembered',
    find: '.slice(-REMEMBERED_REQUESTS)',
    replace: '',
  },
  {
    ...SKEW,
    name: 'A request dated ahead costs the next ones of its caller that time',
    find: 'if (estimateMs === undefined || contradicts(offsetMs, estimateMs)) return 0;',
    replace: 'if (estimateMs === undefined) return 0;',
  },
  {
    ...SKEW,
    name: 'A clock that was set right keeps the estimate of the wrong one',
    find: 'estimateMs !== undefined && contradicts(offsetMs, estimateMs) ? []',
    replace: 'false ? []',
  },
  {
    ...SKEW,
    name: 'The offset of a clock is remembered for ever',
    find: 'clock.monotonic() - learntAtMs <= REMEMBERED_MS',
    replace: 'learntAtMs >= 0',
  },
  {
    ...SKEW,
    name: 'One request dated ahead a little shortens the time of the next ones',
    find: 'sorted[sorted.length >= ENOUGH_TO_DROP_ONE ? 1 : 0]',
    replace: 'sorted[0]',
  },
  {
    ...SKEW,
    name: 'A step of our own clock counts as waiting',
    find: 'clock.now() - clock.monotonic()',
    replace: '0',
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
    name: 'Work that gave its slot back keeps it',
    find: 'started.holdsSlot = false;',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'Any number of decoded clips wait for the model',
    find: 'return hasFreeSlot(lane) && runningIn(lane).length < most;',
    replace: 'return hasFreeSlot(lane) && most > 0;',
  },
  {
    ...SCHEDULER,
    name: 'A decoded clip is ended for those who wait for a slot, and leaves them none',
    find: '.filter(({ holdsSlot }) => holdsSlot || hasFreeSlot(lane))',
    replace: '',
  },
  {
    ...ROUTES,
    name: 'A clip holds its slot while it waits for the model',
    find: ', onClipDecoded: freeSlot }',
    replace: ' }',
  },
  {
    ...SCHEDULER,
    name: 'One caller may have all slots of a lane',
    find: 'return own < Math.max(1, slots[lane] - 1);',
    replace: 'return own >= 0;',
  },
  {
    ...SCHEDULER,
    name: 'Dear work is never ended for those who wait',
    find: 'dear.deadline.cancel(dear.yielded);',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'Dear work that is ended is told another reason',
    find: 'throw started.yielded ?? error;',
    replace: 'throw error;',
  },
  {
    ...SCHEDULER,
    name: 'Dear work is ended at once, however short the others have waited',
    find: 'now - job.sinceMs >= PATIENCE_MS && ',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'Usual work is ended for those who wait',
    find: '.filter(({ caller, sinceMs }) => now - sinceMs >= times.allowanceMs(lane, caller))',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'Work of a caller is ended for its own next request',
    find: 'patient.some((job) => job.caller !== caller && mayStart(job))',
    replace: 'patient.some((job) => mayStart(job))',
  },
  {
    ...SCHEDULER,
    name: 'A caller whose work was ended has the next turn again',
    find: 'Number(isBehind(a.caller)) - Number(isBehind(b.caller)) ||',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'A caller whose work was ended makes the work of others end',
    find: ' && !isBehind(job.caller)',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'Work that is slow to end is ended again and again, and counted as dearer than it was',
    find: 'if (runningIn(lane).some((job) => job.yielded)) continue;',
    replace: '',
  },
  {
    ...WORK_TIMES,
    name: 'A caller raises its own allowance by dear work',
    find: 'jobs[lane].filter((job) => job.caller !== caller)',
    replace: 'jobs[lane]',
  },
  {
    ...WORK_TIMES,
    name: 'Work that takes as long as that of others is ended',
    find: 'Math.max(MIN_ALLOWANCE_MS, ALLOWED_RATIO * middle)',
    replace: 'MIN_ALLOWANCE_MS',
  },
  {
    ...WORK_TIMES,
    name: 'Any number of work times are remembered',
    find: '.slice(-REMEMBERED_JOBS)',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'The validator with the most running jobs may have the next turn',
    find: 'runningOf(a.caller) - runningOf(b.caller) ||',
    replace: '',
  },
  {
    ...SCHEDULER,
    name: 'A request whose time is over waits for its turn',
    find: 'if (signal.aborted) return reject(signal.reason);',
    replace: '',
  },
  {
    ...ANSWERS,
    name: 'Answers may take more than all room',
    find: ' || bytesHeld + bytes > totalBytes',
    replace: '',
  },
  {
    ...ANSWERS,
    name: 'Answers to one caller may take all room',
    find: '(held.get(caller) ?? 0) + bytes > totalBytes / 2 || ',
    replace: '',
  },
  {
    ...ANSWERS,
    name: 'An answer that is closed twice gives its room back twice',
    find: 'charged = 0;\n        },',
    replace: '},',
  },
  {
    ...ANSWERS,
    name: 'The room of an answer stays taken',
    find: 'add(caller, -charged);',
    replace: '',
  },
  {
    ...REPLIES,
    name: 'An answer that nobody reads is held for as long as the connection',
    find: 'reply.raw.destroy();',
    replace: '',
  },
  {
    ...REPLIES,
    name: 'An answer is given up for done before the socket has it',
    find: 'await finished(reply.raw);',
    replace: '',
  },
  {
    ...REPLIES,
    name: 'A large mask is written in one turn',
    find: 'const BYTES_PER_TURN = 512 * 1024;',
    replace: 'const BYTES_PER_TURN = 512 * 1024 * 1024;',
  },
  {
    ...OPEN,
    name: 'Any number of requests may be open',
    find: 'total >= most || ',
    replace: '',
  },
  {
    ...OPEN,
    name: 'One address may have all open requests',
    find: ' || own >= most * ADDRESS_RATIO',
    replace: '',
  },
  {
    ...OPEN,
    name: 'A request that is over still counts as open',
    find: 'total--;',
    replace: '',
  },
  {
    ...RATE,
    name: 'Unsigned requests have no rate',
    find: 'return isAllowed;',
    replace: 'return true;',
  },
  {
    ...RATE,
    name: 'An address that asks on and on regains no credit',
    find: 'Math.min(MAX_CREDIT, credit + ((nowMs - atMs) * CREDIT_PER_SECOND) / 1000)',
    replace: 'credit + 0 * (nowMs - atMs)',
  },
  {
    ...RATE,
    name: 'An address that was silent for an hour may ask any number of times',
    find: 'Math.min(MAX_CREDIT, credit + ((nowMs - atMs) * CREDIT_PER_SECOND) / 1000)',
    replace: 'credit + ((nowMs - atMs) * CREDIT_PER_SECOND) / 1000',
  },
  {
    ...RATE,
    name: 'Any number of addresses are remembered',
    find: 'accounts.size <= MAX_ADDRESSES && ',
    replace: '',
  },
  {
    ...RATE,
    name: 'Addresses are remembered though they have regained their credit',
    find: ' && creditOf(account, atMs) < MAX_CREDIT',
    replace: '',
  },
  {
    ...ADDRESS,
    name: 'Each address of a host of IPv6 counts as another',
    find: 'if (!isIPv6(remoteAddress)) return remoteAddress;',
    replace: 'return remoteAddress;',
  },
  {
    ...ADDRESS,
    name: 'An IPv4 address that is written as IPv6 counts as another',
    find: 'if (mapped !== undefined) return mapped;',
    replace: '',
  },
];
