import { blake2AsHex } from '@polkadot/util-crypto';

/** Runtime APIs and their versions, as on finney. Clients know an API by the hash of its name. */
const APIS: Readonly<Record<string, number>> = {
  Core: 5,
  Metadata: 2,
  AccountNonceApi: 1,
  NeuronInfoRuntimeApi: 1,
  StakeInfoRuntimeApi: 1,
  SubnetInfoRuntimeApi: 2,
};

/** The values that an upgrade changes here. */
export interface Runtime {
  readonly specVersion: number;
  /** The index of the call `serve_axon` in its pallet. It may change between versions. */
  readonly serveAxonIndex: number;
}

/** Names and numbers of finney's runtime at spec 424. An extrinsic signs the spec and the transaction version. */
export const RUNTIME_VERSION = {
  specName: 'node-subtensor',
  implName: 'node-subtensor',
  authoringVersion: 1,
  specVersion: 424,
  implVersion: 1,
  transactionVersion: 1,
  stateVersion: 1,
} as const;

/** The runtime that a development chain begins with. */
export const FIRST_RUNTIME: Runtime = { specVersion: RUNTIME_VERSION.specVersion, serveAxonIndex: 4 };

/** The version as the runtime answers it, with its APIs. */
export function describeRuntimeVersion({ specVersion }: Runtime) {
  const apis = Object.entries(APIS).map(([name, version]) => [blake2AsHex(name, 64), version] as const);
  return { ...RUNTIME_VERSION, specVersion, apis };
}
