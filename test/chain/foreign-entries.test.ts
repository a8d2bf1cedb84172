import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createForeignEntries } from '../../src/chain/foreign-entries.ts';
import type { AxonEntry } from '../../src/chain/reader.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

const HOUR_MS = 3_600_000;

function entry(port: number, block: number): AxonEntry {
  const rest = { version: 9_003_000, ipType: 4, protocol: 4, placeholder1: 0, placeholder2: 0 };
  return { ...rest, ip: 0x08080808n, port, block };
}

/** A miner that announces port 8091, in a folder that another process may have left. */
function open(folder = temporaryFolderPath(), clock = createManualClock()) {
  const entries = createForeignEntries({ folder, clock, logger: createLogger({ level: 'silent' }) });
  return { entries, folder, clock };
}

describe('an entry of the chain', () => {
  it('an entry is foreign unless this miner announced it, in this process or an earlier one', () => {
    const { entries, folder } = open();
    expect(entries.isForeign(entry(8091, 1))).toBe(true);
    entries.noteOwn(entry(8091, 1));
    expect(entries.isForeign(entry(8091, 1))).toBe(false);
    expect(entries.isForeign(entry(9000, 1))).toBe(true);
    expect(open(folder).entries.isForeign(entry(8091, 1))).toBe(false);
  });

  it('a foreign entry counts once, however often it is read', () => {
    const { entries } = open();
    expect(entries.noteOther(entry(9000, 2))).toBe(true);
    expect(entries.noteOther(entry(9000, 2))).toBe(false);
    expect(entries.noteOther(entry(9000, 3))).toBe(true);
  });

  it('an entry with a former address of this miner does not count as foreign', () => {
    const { entries } = open();
    entries.noteOwn(entry(8091, 1));
    expect(entries.noteOther(entry(8091, 1))).toBe(false);
  });
});

describe('the third foreign change in a day', () => {
  function contested() {
    const miner = open();
    miner.entries.noteAnnouncement();
    for (const block of [1, 2]) miner.entries.noteOther(entry(9000, block));
    return miner;
  }

  it('the third foreign change in a day pauses announcements for six hours, and earlier ones do not', () => {
    const { entries, clock } = contested();
    const announcedAtMs = clock.now();
    clock.advance(HOUR_MS);
    expect(entries.pausedUntilMs).toBe(0);
    entries.noteOther(entry(9000, 3));
    expect(entries.pausedUntilMs).toBe(announcedAtMs + 6 * HOUR_MS);
    clock.advance(6 * HOUR_MS);
    entries.noteAnnouncement();
    expect(entries.pausedUntilMs).toBe(clock.now() + 6 * HOUR_MS);
  });

  it('foreign changes are remembered over a restart', () => {
    const { entries, folder, clock } = contested();
    entries.noteOther(entry(9000, 3));
    expect(open(folder, clock).entries.pausedUntilMs).toBe(entries.pausedUntilMs);
    expect(readFileSync(join(folder, 'announcements.json'), 'utf8')).toContain('"block":3');
  });

  it('foreign changes are forgotten after a day', () => {
    const { entries, clock } = contested();
    entries.noteOther(entry(9000, 3));
    clock.advance(24 * HOUR_MS);
    expect(entries.pausedUntilMs).toBe(0);
  });
});
