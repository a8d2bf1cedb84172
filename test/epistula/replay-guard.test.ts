import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReplayGuard } from '../../src/epistula/replay-guard.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

function setUp() {
  const folder = join(temporaryFolderPath(), 'served');
  const clock = createManualClock();
  const { logger } = createCapturingLogger();
  const open = () => createReplayGuard({ folder, futureToleranceMs: 60_000, clock, logger });
  return { open, clock, file: join(folder, 'served.log'), folder };
}

describe('the replay guard', () => {
  it('accepts a request once, by sender and uuid', () => {
    const { open, clock } = setUp();
    const guard = open();
    expect(guard.remember(ALICE, uuid(1), clock.now())).toBe(true);
    expect(guard.remember(ALICE, uuid(1), clock.now())).toBe(false);
    expect(guard.remember(ALICE, uuid(2), clock.now())).toBe(true);
    expect(guard.remember(BOB, uuid(1), clock.now())).toBe(true);
  });

  it('remembers over a restart, also after a line that was cut off', () => {
    const { open, clock, file } = setUp();
    open().remember(ALICE, uuid(1), clock.now());
    appendFileSync(file, '17529696');
    const guard = open();
    expect(guard.trustsFromMs).toBe(0);
    expect(guard.remember(ALICE, uuid(1), clock.now())).toBe(false);
  });

  it('trusts everything at the very first start', () => {
    expect(setUp().open().trustsFromMs).toBe(0);
  });

  it.each([
    ['removed', (file: string) => rmSync(file)],
    ['damaged', (file: string) => writeFileSync(file, 'garbage\n')],
  ])('mistrusts what could have been served when its file was %s', (_, spoil) => {
    const { open, clock, file } = setUp();
    open().remember(ALICE, uuid(1), clock.now());
    spoil(file);
    const untilMs = clock.now() + 60_000;
    expect(open().trustsFromMs).toBe(untilMs);
    clock.advance(59_999);
    expect(open().trustsFromMs).toBe(untilMs);
    clock.advance(1);
    expect(open().trustsFromMs).toBe(0);
  });

  it('keeps an entry as long as a fresh copy can turn up, then forgets it', () => {
    const { open, clock } = setUp();
    const timestampMs = clock.now() + 60_000;
    open().remember(ALICE, uuid(1), timestampMs);
    clock.advance(60_000 + 8_000 + 11_000);
    expect(open().size).toBe(1);
    clock.advance(1);
    expect(open().size).toBe(0);
  });

  it('tells requests of one dendrite by their nonces, in any order, and for as long as each counts as fresh', () => {
    const { open, clock } = setUp();
    const nonce = (n: number) => `${uuid(1)}:174585000012345678${n}`;
    open().remember(ALICE, nonce(2), clock.now(), 64_000);
    expect(open().remember(ALICE, nonce(1), clock.now(), 64_000)).toBe(true);
    expect(open().remember(ALICE, nonce(2), clock.now(), 64_000)).toBe(false);
    clock.advance(64_000 + 11_000);
    expect(open().remember(ALICE, nonce(1), clock.now(), 64_000)).toBe(false);
    clock.advance(1);
    expect(open().size).toBe(0);
  });

  it('keeps its file small over many requests', () => {
    const { open, clock, file } = setUp();
    const guard = open();
    for (let index = 0; index < 5_000; index++) {
      guard.remember(ALICE, uuid(index), clock.now());
      clock.advance(100);
    }
    expect(guard.size).toBeLessThan(1_500);
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(1_500);
  });

  it('mistrusts after a restart when the disk failed', () => {
    const { open, clock, folder } = setUp();
    const guard = open();
    rmSync(folder, { recursive: true });
    expect(guard.remember(ALICE, uuid(1), clock.now())).toBe(true);
    mkdirSync(folder);
    expect(open().trustsFromMs).toBe(clock.now() + 60_000);
  });

  it('goes on serving where the disk takes no change at all', () => {
    const { open, clock, file } = setUp();
    // A folder where the file should be can be neither appended to, nor replaced, nor removed as a file.
    mkdirSync(join(file, 'in the way'), { recursive: true });
    const guard = open();
    expect(guard.trustsFromMs).toBe(clock.now() + 60_000);
    expect(guard.remember(ALICE, uuid(1), clock.now())).toBe(true);
    expect(guard.remember(ALICE, uuid(1), clock.now())).toBe(false);
  });
});
