import { describe, expect, it, onTestFinished } from 'vitest';
import type { Readiness } from '../../src/admin/server.ts';
import { watchReadiness } from '../../src/miner/readiness-watch.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { until } from '../fixtures/until.ts';

/** A watch of what the test says, on a clock that the test moves. */
function watch() {
  const clock = createManualClock();
  const { logger, lines } = createCapturingLogger();
  const stop = new AbortController();
  let readiness: Readiness = { ready: true, reasons: [], warnings: [] };
  let looks = 0;
  let firsts = 0;
  const watching = watchReadiness({
    readiness: () => {
      looks += 1;
      return readiness;
    },
    onFirstReady: () => {
      firsts += 1;
    },
    logger,
    clock,
    signal: stop.signal,
  });
  onTestFinished(async () => {
    stop.abort();
    await watching;
  });
  return {
    firsts: () => firsts,
    messages: () => lines().map(({ msg }) => msg),
    lines,
    /** Says what is so from now on, and lets it last for so long. */
    async holds(reasons: string[], warnings: string[], forMs = 3_000): Promise<void> {
      readiness = { ready: reasons.length === 0, reasons, warnings };
      let from = looks;
      await until(() => looks > from + 1);
      clock.advance(forMs);
      from = looks;
      await until(() => looks > from + 1);
    },
  };
}

describe('readiness', () => {
  it('the first readiness is reported once', async () => {
    const { holds, firsts } = watch();
    await holds([], []);
    await holds(['gone'], []);
    await holds([], []);
    expect(firsts()).toBe(1);
  });

  it('readiness is logged with its reasons when it goes, and when it comes back', async () => {
    const { holds, lines, messages } = watch();
    await holds(['the axon is not announced'], []);
    await holds([], []);
    expect(messages()).toEqual(['not ready', 'ready']);
    expect(lines()[0]).toMatchObject({ level: 'warn', reasons: ['the axon is not announced'] });
  });

  it('readiness is not logged again if only the numbers in its reasons change', async () => {
    const { holds, messages } = watch();
    await holds(['the node is 2 hours behind'], []);
    await holds(['the node is 3 hours behind'], []);
    expect(messages()).toEqual(['not ready']);
  });

  it('a short change of readiness is not logged', async () => {
    const { holds, messages } = watch();
    await holds(['the image model is restarting'], [], 100);
    await holds([], []);
    expect(messages()).toEqual([]);
  });

  it('warnings have log lines of their own', async () => {
    const { holds, lines, messages } = watch();
    await holds([], ['the disk is full']);
    await holds([], []);
    expect(messages()).toEqual(['warnings', 'no warnings any more']);
    expect(lines()[0]).toMatchObject({ warnings: ['the disk is full'] });
  });
});
