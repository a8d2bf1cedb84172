import { ADMISSION } from './list/admission.ts';
import { AUTHENTICATION } from './list/authentication.ts';
import { CHAIN } from './list/chain.ts';
import { CONNECTIONS } from './list/connections.ts';
import { MEDIA } from './list/media.ts';
import { OPERATOR } from './list/operator.ts';
import { PICTURES } from './list/pictures.ts';
import { REQUESTS } from './list/requests.ts';
import { SYNAPSE } from './list/synapse.ts';
import type { Mutant } from './mutant.ts';

/** Every check that `npm run test:mutants` removes, those of authentication first. */
export const MUTANTS: readonly Mutant[] = [
  ...AUTHENTICATION,
  ...SYNAPSE,
  ...REQUESTS,
  ...ADMISSION,
  ...CONNECTIONS,
  ...PICTURES,
  ...MEDIA,
  ...CHAIN,
  ...OPERATOR,
];
