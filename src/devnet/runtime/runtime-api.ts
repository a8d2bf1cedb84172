import { u8aConcat, u8aToHex } from '@polkadot/util';
import { encodeAddress } from '@polkadot/util-crypto';
import type { Block } from '../ledger/block-ledger.ts';
import { invalidParams, NodeError } from './node-error.ts';
import type { RuntimeCodec } from './runtime-codec.ts';
import { BLANK_FIELDS, metagraphFields, neuronFields, neuronInfo, stakeInfo } from './runtime-views.ts';

/** Answers a runtime call (`state_call`) at a block. Arguments and result are SCALE. */
export type RuntimeApi = (method: string, input: Uint8Array, block: Block) => Uint8Array;

type NeuronType = 'NeuronInfo' | 'NeuronInfoLite';

/** `u16`, then `Vec<u16>`: a netuid and the indexes of the fields. */
function decodeSelection(input: Uint8Array): {
  readonly netuid: number;
  readonly indexes: readonly number[];
} {
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  if (input.length < 3) throw invalidParams('the netuid and the field indexes are missing');
  // A length below 64 takes one byte, a length below 16384 takes two. The lowest two bits say which.
  const wide = (view.getUint8(2) & 3) === 1;
  const start = wide ? 4 : 3;
  const count = (wide && input.length >= start ? view.getUint16(2, true) : view.getUint8(2)) >> 2;
  if (input.length !== start + 2 * count) throw invalidParams('the field indexes are not a Vec<u16>');
  const indexes = Array.from({ length: count }, (_, index) => view.getUint16(start + 2 * index, true));
  return { netuid: view.getUint16(0, true), indexes };
}

function readU32(input: Uint8Array): number {
  if (input.length !== 4) throw invalidParams('the argument has to be 4 bytes long');
  return new DataView(input.buffer, input.byteOffset, input.length).getUint32(0, true);
}

/** The address (SS58) of an account id. */
function readAccount(input: Uint8Array): string {
  if (input.length !== 32) throw invalidParams('the argument has to be an account id');
  return encodeAddress(input, 42);
}

/** Numbers of two bytes, one for each of `names`. */
function readU16s<const Names extends readonly string[]>(
  input: Uint8Array,
  names: Names,
): Record<Names[number], number> {
  const bytes = 2 * names.length;
  if (input.length !== bytes) throw invalidParams(`the arguments have to be ${bytes} bytes long`);
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const entries = names.map((name, index) => [name, view.getUint16(2 * index, true)] as const);
  return Object.fromEntries(entries) as Record<Names[number], number>;
}

export function createRuntimeApi(codec: RuntimeCodec): RuntimeApi {
  const metadataByVersion: ReadonlyMap<number, Uint8Array> = new Map([
    [14, codec.metadata.v14],
    [15, codec.metadata.v15],
  ]);

  /** Fields that were not selected are None. */
  function selectiveMetagraph(input: Uint8Array, block: Block): Uint8Array {
    const { netuid, indexes } = decodeSelection(input);
    const fields = { ...Object.fromEntries(BLANK_FIELDS), ...metagraphFields(block) };
    const wanted = new Set(indexes.map((index) => BLANK_FIELDS[index]?.[0]));
    const known = Object.entries(fields).filter(([name]) => wanted.has(name));
    const metagraph = netuid === block.subnet.netuid ? { ...Object.fromEntries(known), netuid } : null;
    return codec.encode('Option<SelectiveMetagraph>', metagraph);
  }

  /** The same for one mechanism of the subnet. There is one here: 0. */
  function selectiveMechagraph(input: Uint8Array, block: Block): Uint8Array {
    if (input.length < 3) throw invalidParams('the netuid and the mechanism are missing');
    if (input[2] !== 0) return codec.encode('Option<SelectiveMetagraph>', null);
    return selectiveMetagraph(u8aConcat(input.subarray(0, 2), input.subarray(3)), block);
  }

  function metagraph(input: Uint8Array, block: Block): Uint8Array {
    const { netuid } = readU16s(input, ['netuid']);
    const fields = { ...metagraphFields(block), netuid };
    return codec.encode('Option<Metagraph>', netuid === block.subnet.netuid ? fields : null);
  }

  function subnetState(input: Uint8Array, { subnet }: Block): Uint8Array {
    const { netuid } = readU16s(input, ['netuid']);
    const none: readonly never[] = [];
    const state = { ...neuronFields(subnet.neurons), netuid, trust: none, rank: none, emissionHistory: none };
    return codec.encode('Option<SubnetState>', netuid === subnet.netuid ? state : null);
  }

  function neuron(type: NeuronType, input: Uint8Array, { subnet }: Block): Uint8Array {
    const { netuid, uid } = readU16s(input, ['netuid', 'uid']);
    return codec.encode(`Option<${type}>`, netuid === subnet.netuid ? neuronInfo(subnet, uid) : null);
  }

  function neurons(type: NeuronType, input: Uint8Array, { subnet }: Block): Uint8Array {
    const { netuid } = readU16s(input, ['netuid']);
    const all = netuid === subnet.netuid ? subnet.neurons : [];
    return codec.encode(
      `Vec<${type}>`,
      all.map((_neuron, uid) => neuronInfo(subnet, uid)),
    );
  }

  /** The stake of a coldkey with all hotkeys. Each hotkey is its own coldkey here. */
  function stakeOfColdkey(input: Uint8Array, { subnet }: Block): Uint8Array {
    const address = readAccount(input);
    const info = stakeInfo(subnet, address, address);
    return codec.encode('Vec<StakeInfo>', info.stake === 0n ? [] : [info]);
  }

  /** The stake of a coldkey with one hotkey on one subnet. It is described even if it is zero. */
  function stakeWithHotkey(input: Uint8Array, { subnet }: Block): Uint8Array {
    if (input.length !== 66) throw invalidParams('the arguments have to be two account ids and a netuid');
    const [hotkey, coldkey] = [readAccount(input.subarray(0, 32)), readAccount(input.subarray(32, 64))];
    const { netuid } = readU16s(input.subarray(64), ['netuid']);
    return codec.encode('Option<StakeInfo>', stakeInfo(subnet, hotkey, coldkey, netuid));
  }

  function metadataAtVersion(input: Uint8Array): Uint8Array {
    const metadata = metadataByVersion.get(readU32(input));
    return codec.encode('Option<OpaqueMetadata>', metadata === undefined ? null : u8aToHex(metadata));
  }

  function accountNonce(input: Uint8Array, { nonces }: Block): Uint8Array {
    return codec.encode('u32', nonces.get(readAccount(input)) ?? 0);
  }

  return (method, input, block) => {
    switch (method) {
      case 'Metadata_metadata_versions':
        return codec.encode('Vec<u32>', [...metadataByVersion.keys()]);
      case 'Metadata_metadata_at_version':
        return metadataAtVersion(input);
      case 'AccountNonceApi_account_nonce':
        return accountNonce(input, block);
      case 'NeuronInfoRuntimeApi_get_neuron':
        return neuron('NeuronInfo', input, block);
      case 'NeuronInfoRuntimeApi_get_neuron_lite':
        return neuron('NeuronInfoLite', input, block);
      case 'NeuronInfoRuntimeApi_get_neurons':
        return neurons('NeuronInfo', input, block);
      case 'NeuronInfoRuntimeApi_get_neurons_lite':
        return neurons('NeuronInfoLite', input, block);
      case 'StakeInfoRuntimeApi_get_stake_info_for_coldkey':
        return stakeOfColdkey(input, block);
      case 'StakeInfoRuntimeApi_get_stake_info_for_hotkey_coldkey_netuid':
        return stakeWithHotkey(input, block);
      case 'SubnetInfoRuntimeApi_get_selective_metagraph':
        return selectiveMetagraph(input, block);
      case 'SubnetInfoRuntimeApi_get_selective_mechagraph':
        return selectiveMechagraph(input, block);
      case 'SubnetInfoRuntimeApi_get_metagraph':
        return metagraph(input, block);
      case 'SubnetInfoRuntimeApi_get_subnet_state':
        return subnetState(input, block);
      default:
        throw new NodeError(4003, 'Client error: Execution failed', `Exported method ${method} is not found`);
    }
  };
}
