import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createReplayGuard, type ServedRequest } from '../../src/epistula/replay-guard.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY';
const BOB = '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty';
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const request = (
  parts: Pick<ServedRequest, 'id' | 'timestampMs'> & Partial<ServedRequest>,
): ServedRequest => ({ hotkey: ALICE, task: 'image', ...parts });

function setUp() {
  const folder = join(temporaryFolderPath(), 'served');
  const clock = createManualClock();
  const { logger } = createCapturingLogger();
  const open = () => createReplayGuard({ folder, futureToleranceMs: 60_000, clock, logger });
  return { open, clock, file: join(folder, 'served.log'), folder };
}

describe('the replay guard', () => {
  it('the replay guard accepts a request once, by hotkey and uuid', () => {
    const { open, clock } = setUp();
    const guard = open();
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(true);
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(false);
    expect(guard.remember(request({ id: uuid(2), timestampMs: clock.now() }))).toBe(true);
    expect(guard.remember(request({ hotkey: BOB, id: uuid(1), timestampMs: clock.now() }))).toBe(true);
  });

  it('the replay guard remembers over a restart, also after a line that was cut off', () => {
    const { open, clock, file } = setUp();
    open().remember(request({ id: uuid(1), timestampMs: clock.now() }));
    appendFileSync(file, '17529696');
    const guard = open();
    expect(guard.trustsFromMs).toBe(0);
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(false);
  });

  it('the replay guard trusts everything at the very first start', () => {
    expect(setUp().open().trustsFromMs).toBe(0);
  });

  it.each([
    ['removed', (file: string) => rmSync(file)],
    ['damaged', (file: string) => writeFileSync(file, 'garbage\n')],
  ])('the replay guard refuses requests that could have been served after its file was %s', (_, spoil) => {
    const { open, clock, file } = setUp();
    open().remember(request({ id: uuid(1), timestampMs: clock.now() }));
    spoil(file);
    const untilMs = clock.now() + 60_000;
    expect(open().trustsFromMs).toBe(untilMs);
    clock.advance(59_999);
    expect(open().trustsFromMs).toBe(untilMs);
    clock.advance(1);
    expect(open().trustsFromMs).toBe(clock.now());
    clock.setWall(-3_600_000);
    expect(open().trustsFromMs).toBe(untilMs);
  });

  it('the replay guard keeps an entry as long as a fresh copy can turn up, then forgets it', () => {
    const { open, clock } = setUp();
    const timestampMs = clock.now() + 60_000;
    open().remember(request({ id: uuid(1), timestampMs: timestampMs }));
    clock.advance(60_000 + 8_000 + 11_000);
    expect(open().size).toBe(1);
    clock.advance(1);
    expect(open().size).toBe(0);
  });

  it('the replay guard tells requests of one dendrite apart by their nonces, in any order, and for as long as each counts as fresh', () => {
    const { open, clock } = setUp();
    const nonce = (n: number) => `${uuid(1)}:174585000012345678${n}`;
    open().remember(request({ id: nonce(2), timestampMs: clock.now(), freshForMs: 64_000 }));
    expect(open().remember(request({ id: nonce(1), timestampMs: clock.now(), freshForMs: 64_000 }))).toBe(
      true,
    );
    expect(open().remember(request({ id: nonce(2), timestampMs: clock.now(), freshForMs: 64_000 }))).toBe(
      false,
    );
    clock.advance(64_000 + 11_000);
    expect(open().remember(request({ id: nonce(1), timestampMs: clock.now(), freshForMs: 64_000 }))).toBe(
      false,
    );
    clock.advance(1);
    expect(open().size).toBe(0);
  });

  it('the replay guard keeps its file small over many requests', () => {
    const { open, clock, file } = setUp();
    const guard = open();
    for (let index = 0; index < 5_000; index++) {
      guard.remember(request({ id: uuid(index), timestampMs: clock.now() }));
      clock.advance(100);
    }
    expect(guard.size).toBeLessThan(1_500);
    expect(readFileSync(file, 'utf8').split('\n').length).toBeLessThan(1_500);
  });

  it('the replay guard knows after a restart that the disk had failed', () => {
    const { open, clock, folder } = setUp();
    const guard = open();
    rmSync(folder, { recursive: true });
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(true);
    mkdirSync(folder);
    expect(open().trustsFromMs).toBe(clock.now() + 60_000);
  });

  it('the replay guard leaves no file to trust after a restart when the disk was full', () => {
    const { open, clock, file } = setUp();
    const guard = open();
    rmSync(file);
    // Nothing can be written to this device: the error is that of a full disk.
    symlinkSync('/dev/full', file);
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(true);
    expect(existsSync(file)).toBe(false);
    expect(open().trustsFromMs).toBe(clock.now() + 60_000);
  });

  it('the replay guard counts a copy on the path of another task as another request, and a second copy there as a replay', () => {
    const { open, clock } = setUp();
    const once = request({ id: uuid(1), timestampMs: clock.now() });
    expect(open().remember(once)).toBe(true);
    expect(open().remember({ ...once, task: 'miner_info' })).toBe(true);
    expect(open().remember({ ...once, task: 'miner_info' })).toBe(false);
    expect(open().remember(once)).toBe(false);
  });

  it('the replay guard recognises an id in any case of letters', () => {
    const { open, clock } = setUp();
    const id = 'abcdefab-0000-4000-8000-000000000000';
    const guard = open();
    expect(guard.remember(request({ id, timestampMs: clock.now() }))).toBe(true);
    expect(guard.remember(request({ id: id.toUpperCase(), timestampMs: clock.now() }))).toBe(false);
  });

  it('the replay guard reads a file without tasks, whose ids are used up for every task', () => {
    const { open, clock, folder, file } = setUp();
    mkdirSync(folder);
    writeFileSync(file, `${clock.now() + 19_000} ${ALICE}:${uuid(1)}\n`);
    const guard = open();
    expect(guard.trustsFromMs).toBe(0);
    for (const task of ['image', 'video']) {
      expect(guard.remember(request({ id: uuid(1), task, timestampMs: clock.now() }))).toBe(false);
    }
  });

  it('the replay guard refuses a copy of a forgotten request after the clock was set back, and takes later ones', () => {
    const { open, clock } = setUp();
    const served = request({ id: uuid(1), timestampMs: clock.now() });
    open().remember(served);
    clock.advance(60_000);
    expect(open().size).toBe(0);
    clock.setWall(-60_000);
    const guard = open();
    expect(guard.remember(served)).toBe(false);
    expect(guard.remember(request({ id: uuid(2), timestampMs: clock.now() + 1 }))).toBe(true);
  });

  it('the replay guard refuses a copy of a forgotten request without a restart, too', () => {
    const { open, clock } = setUp();
    const guard = open();
    const served = request({ id: uuid(0), timestampMs: clock.now() });
    guard.remember(served);
    clock.advance(60_000);
    for (let index = 1; index < 1_100; index++) {
      guard.remember(request({ id: uuid(index), timestampMs: clock.now() }));
    }
    clock.setWall(-60_000);
    expect(guard.remember(served)).toBe(false);
  });

  it.each(['a first start', 'a restart', 'a loss'])(
    'the replay guard keeps its file from other users after %s',
    (after) => {
      const { open, clock, file } = setUp();
      const guard = open();
      if (after === 'a restart') open();
      if (after === 'a loss') rmSync(file);
      guard.remember(request({ id: uuid(1), timestampMs: clock.now() }));
      expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    },
  );

  it('the replay guard goes on serving if the disk takes no change at all', () => {
    const { open, clock, file } = setUp();
    // A folder where the file should be can be neither appended to, nor replaced, nor removed as a file.
    mkdirSync(join(file, 'in the way'), { recursive: true });
    const guard = open();
    expect(guard.trustsFromMs).toBe(clock.now() + 60_000);
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(true);
    expect(guard.remember(request({ id: uuid(1), timestampMs: clock.now() }))).toBe(false);
  });
});
