import { expect, it } from 'vitest';
import { attack, startAttackedMiner } from '../attacks/attacked-miner.ts';
import { head } from '../fixtures/axon.ts';

const DURATION_MS = 5_000;

// The full size is in test/attacks. Before the bound, no picture of this size of the test was answered.
it('a thousand connections that pipeline and never read keep no signed picture from its answer', async () => {
  const miner = await startAttackedMiner();
  const [figures, statuses] = await Promise.all([
    attack({
      port: miner.axonPort,
      connections: 1_000,
      durationMs: DURATION_MS,
      mode: 'flood',
      bytes: head('GET /', {}),
    }),
    miner.askPictures(DURATION_MS),
  ]);
  expect(statuses.filter((status) => status === 200)).toHaveLength(statuses.length);
  expect(figures.cut).toBeGreaterThan(0);
  expect(miner.isAlive()).toBe(true);
}, 60_000);
