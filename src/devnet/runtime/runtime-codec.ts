import { Metadata, TypeRegistry } from '@polkadot/types';
import { COMMITMENT_TYPES } from './commitment-types.ts';
import { FRAME_TYPES } from './frame-types.ts';
import { type EncodedMetadata, encodeMetadata } from './metadata.ts';
import { METAGRAPH_TYPES } from './metagraph-types.ts';
import { FIRST_RUNTIME, type Runtime } from './runtime-version.ts';
import { subtensorTypes } from './subtensor-types.ts';
import { createTypeTable } from './type-table.ts';

/** Encodes values in SCALE with the types that the metadata declare, so that both always agree. */
export interface RuntimeCodec {
  readonly metadata: EncodedMetadata;
  /** Struct values are objects with camelCase keys, accounts SS58 addresses. */
  encode(expression: string, value: unknown): Uint8Array;
}

/** Extensions that polkadot.js does not know. They add nothing to an extrinsic. */
const EMPTY_EXTENSION = { extrinsic: {}, payload: {} };
export const OWN_EXTENSIONS = {
  SudoTransactionExtension: EMPTY_EXTENSION,
  CheckShieldedTxValidity: EMPTY_EXTENSION,
  SubtensorTransactionExtension: EMPTY_EXTENSION,
  DrandPriority: EMPTY_EXTENSION,
};

export function createRuntimeCodec(runtime: Runtime = FIRST_RUNTIME): RuntimeCodec {
  const types = createTypeTable({
    ...FRAME_TYPES,
    ...subtensorTypes(runtime),
    ...METAGRAPH_TYPES,
    ...COMMITMENT_TYPES,
  });
  const metadata = encodeMetadata(types);
  const registry = new TypeRegistry();
  registry.setMetadata(new Metadata(registry, metadata.v15), undefined, OWN_EXTENSIONS);
  return {
    metadata,
    encode: (expression, value) => {
      const lookup = registry.createLookupType(types.idOf(expression));
      return registry.createTypeUnsafe(lookup, [value]).toU8a();
    },
  };
}
