import { describe, expect, it } from 'vitest';
import { createSignersFile } from '../../src/chain/signers-file.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { temporaryFolderPath } from '../fixtures/temporary.ts';

const HOUR_MS = 3_600_000;
const SIGNERS = new Map([['5Alice', { uid: 0, stakeTao: 20_000, permit: true }]]);

describe('the signer table on disk', () => {
  it.each([
    ['as old as the clock says', HOUR_MS, HOUR_MS],
    ['not younger than new, though the clock was set back', -HOUR_MS, 0],
  ])('is %s', (_, passedMs, ageMs) => {
    const folder = temporaryFolderPath();
    const { logger } = createCapturingLogger();
    const clock = createManualClock();
    const file = createSignersFile({ folder, netuid: 34, logger, clock });
    file.save({ genesisHash: '0x01', block: 7, signers: SIGNERS });
    clock.advance(passedMs);
    expect(file.load('0x01')).toEqual({ signers: SIGNERS, block: 7, ageMs });
  });
});
