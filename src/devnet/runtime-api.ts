import { u8aToHex } from '@polkadot/util';
import { encodeAddress } from '@polkadot/util-crypto';
import type { Block } from './chain.ts';
import { METAGRAPH_TYPES } from './metagraph-types.ts';
import { invalidParams, RpcError } from './rpc-error.ts';
import type { RuntimeCodec } from './runtime-codec.ts';
import { BURN_RAO, IMMUNITY_PERIOD_BLOCKS, TEMPO_BLOCKS } from './storage.ts';
import { MAX_UIDS, type Neuron } from './subnet.ts';

/** Answers runtime calls (`state_call`) at a block: name and arguments in SCALE in, SCALE out. */
export type RuntimeApi = (method: string, input: Uint8Array, block: Block) => Uint8Array;

const METADATA_VERSION = 15;
const NO_AXON = {
  block: 0,
  version: 0,
  ip: 0n,
  port: 0,
  ipType: 0,
  protocol: 0,
  placeholder1: 0,
  placeholder2: 0,
};

/** The fields of a selective metagraph by the index by which a caller asks for them, in the codec's spelling. */
function metagraphFieldNames(): readonly string[] {
  const definition = METAGRAPH_TYPES.SelectiveMetagraph;
  if (definition === undefined || !('fields' in definition)) return [];
  return Object.keys(definition.fields).map((name) =>
    name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
  );
}

/** All that is known of the neurons, one list a field. Each hotkey is its own coldkey here. */
function neuronFields(neurons: readonly Neuron[]) {
  const each = <T>(pick: (neuron: Neuron) => T): readonly T[] => neurons.map(pick);
  const zeros = each(() => 0);
  return {
    hotkeys: each((neuron) => neuron.hotkey),
    coldkeys: each((neuron) => neuron.hotkey),
    active: each(() => true),
    validatorPermit: each((neuron) => neuron.permit),
    pruningScore: zeros,
    lastUpdate: each((neuron) => neuron.registeredAtBlock),
    emission: zeros,
    dividends: zeros,
    incentives: zeros,
    consensus: zeros,
    blockAtRegistration: each((neuron) => neuron.registeredAtBlock),
    alphaStake: each((neuron) => neuron.stakeRao),
    taoStake: zeros,
    totalStake: each((neuron) => neuron.stakeRao),
  };
}

function metagraphFields({ number, subnet }: Block) {
  return {
    ...neuronFields(subnet.neurons),
    block: number,
    tempo: TEMPO_BLOCKS,
    numUids: subnet.neurons.length,
    maxUids: MAX_UIDS,
    burn: BURN_RAO,
    registrationAllowed: true,
    immunityPeriod: IMMUNITY_PERIOD_BLOCKS,
    servingRateLimit: subnet.servingRateLimitBlocks,
    axons: subnet.neurons.map(({ axon }) => axon ?? NO_AXON),
  };
}

/** `u16`, then `Vec<u16>`: a netuid and the indexes of the fields. */
function decodeSelection(input: Uint8Array): {
  readonly netuid: number;
  readonly indexes: readonly number[];
} {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  if (input.length < 3) throw invalidParams('the netuid and the field indexes are missing');
  // A length below 64 takes one byte, one below 16384 two; its lowest two bits say which.
  const wide = (view.getUint8(2) & 3) === 1;
  const start = wide ? 4 : 3;
  const count = (wide && input.length >= start ? view.getUint16(2, true) : view.getUint8(2)) >> 2;
  if (input.length !== start + 2 * count) throw invalidParams('the field indexes are not a Vec<u16>');
  const indexes = Array.from({ length: count }, (_, index) => view.getUint16(start + 2 * index, true));
  return { netuid: view.getUint16(0, true), indexes };
}

function readNumber(input: Uint8Array, bytes: 2 | 4): number {
  if (input.length !== bytes) throw invalidParams(`the argument has to be ${bytes} bytes long`);
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  return bytes === 2 ? view.getUint16(0, true) : view.getUint32(0, true);
}

export function createRuntimeApi(codec: RuntimeCodec): RuntimeApi {
  const fieldNames = metagraphFieldNames();

  /** Fields that were not asked for, and those that mean nothing here, are None. */
  function selectiveMetagraph(input: Uint8Array, block: Block): Uint8Array {
    const { netuid, indexes } = decodeSelection(input);
    const wanted = new Set(indexes.map((index) => fieldNames[index]));
    const known = Object.entries(metagraphFields(block)).filter(([name]) => wanted.has(name));
    const metagraph = netuid === block.subnet.netuid ? { ...Object.fromEntries(known), netuid } : null;
    return codec.encode('Option<SelectiveMetagraph>', metagraph);
  }

  function subnetState(input: Uint8Array, { subnet }: Block): Uint8Array {
    const netuid = readNumber(input, 2);
    const none: readonly never[] = [];
    const state = { ...neuronFields(subnet.neurons), netuid, trust: none, rank: none, emissionHistory: none };
    return codec.encode('Option<SubnetState>', netuid === subnet.netuid ? state : null);
  }

  function metadataAtVersion(input: Uint8Array): Uint8Array {
    const isKnown = readNumber(input, 4) === METADATA_VERSION;
    return codec.encode('Option<OpaqueMetadata>', isKnown ? u8aToHex(codec.metadata) : null);
  }

  function accountNonce(input: Uint8Array, { nonces }: Block): Uint8Array {
    if (input.length !== 32) throw invalidParams('the argument has to be an account id');
    return codec.encode('u32', nonces.get(encodeAddress(input, 42)) ?? 0);
  }

  return (method, input, block) => {
    switch (method) {
      case 'Metadata_metadata_versions':
        return codec.encode('Vec<u32>', [METADATA_VERSION]);
      case 'Metadata_metadata_at_version':
        return metadataAtVersion(input);
      case 'AccountNonceApi_account_nonce':
        return accountNonce(input, block);
      case 'SubnetInfoRuntimeApi_get_selective_metagraph':
        return selectiveMetagraph(input, block);
      case 'SubnetInfoRuntimeApi_get_subnet_state':
        return subnetState(input, block);
      default:
        throw new RpcError(4003, 'Client error: Execution failed', `Exported method ${method} is not found`);
    }
  };
}
