import { expect, it } from 'vitest';
import type { MinerReport } from '../../src/admin/read-status.ts';
import { announcementWords } from '../../src/admin/status-text.ts';

type Held = MinerReport['chain']['heldAddress'];
const at = (leadsHere: boolean | null): Held => ({ ip: '8.8.8.8', port: 8091, leadsHere });

it.each<[string, Held, string]>([
  ['not read yet', 'unread', 'the address that the chain holds was not read yet'],
  ['none', null, 'not announced on the chain'],
  ['that of this miner', at(true), 'announced on the chain at 8.8.8.8:8091'],
  ['that of another', at(false), 'announced on the chain at 8.8.8.8:8091, which is not this miner'],
  [
    'one that nothing can be compared with',
    at(null),
    'announced on the chain at 8.8.8.8:8091; the address of this host is not known yet',
  ],
])('an entry of the chain that is %s is told as such', (_which, heldAddress, words) => {
  expect(announcementWords({ chain: { heldAddress } } as MinerReport)).toBe(words);
});
