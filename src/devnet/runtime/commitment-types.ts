import type { TypeDefinition } from './type-table.ts';

/**
 * The types of commitments, as on finney (spec 424). There are no commitments here, so only the empty kind of data is
 * declared.
 */
export const COMMITMENT_TYPES: Readonly<Record<string, TypeDefinition>> = {
  Commitment: {
    path: 'pallet_commitments::types::RegisterOptions',
    fields: { deposit: 'u64', block: 'u32', info: 'CommitmentInfo' },
  },
  CommitmentInfo: {
    path: 'pallet_commitments::types::CommitmentInfo',
    fields: { fields: 'CommitmentFields' },
  },
  CommitmentFields: {
    path: 'bounded_collections::bounded_vec::BoundedVec',
    params: { T: 'CommitmentData' },
    fields: ['Vec<CommitmentData>'],
  },
  CommitmentData: { path: 'pallet_commitments::types::Data', variants: { None: { index: 0 } } },
};
