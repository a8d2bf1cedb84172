import { z } from 'zod';
import { MinerError } from '../../errors.ts';
import { integerToIp } from '../../net/ipv4.ts';
import type { BlockLedger } from '../ledger/block-ledger.ts';
import type { SubnetNeuron } from '../ledger/subnet.ts';
import type { RpcMethod, RpcMethods } from '../rpc/rpc-methods.ts';
import { invalidParams } from '../runtime/node-error.ts';
import type { Control } from './control.ts';

interface ControlMethodsOptions {
  readonly ledger: BlockLedger;
  readonly control: Control;
  readonly faults: Faults;
}

/** The faults that a test can switch on. */
interface Faults {
  /** Sockets stay open, but nothing is sent. */
  stopAnswering(durationMs: number): void;
  /** Calls are answered, but the timer makes no blocks. */
  stopBlocks(durationMs: number): void;
  dropConnections(): void;
  upgradeRuntime(specVersion: number): void;
}

const HOTKEY = z.string().max(64);
const REGISTRATION = z.strictObject({ stakeTao: z.number().optional(), permit: z.boolean().optional() });
const DURATION = z.strictObject({ seconds: z.number().positive().max(3600) });
const LAG = z.strictObject({ seconds: z.number() });

function describeNeuron(neuron: SubnetNeuron, uid: number) {
  const { hotkey, stakeRao, permit, registeredAtBlock, standIn, axon } = neuron;
  const address = axon === undefined ? undefined : { ...axon, ip: integerToIp(axon.ip, axon.ipType) };
  return {
    uid,
    hotkey,
    stakeTao: Number(stakeRao) / 1e9,
    permit,
    registeredAtBlock,
    standIn,
    axon: address ?? null,
  };
}

/** A method that checks its parameters. It answers -32602 if they are wrong. */
function checked<T>(schema: z.ZodType<T>, run: (params: T) => unknown): RpcMethod {
  return (params) => {
    const parsed = schema.safeParse(params);
    if (!parsed.success) throw invalidParams(z.prettifyError(parsed.error));
    try {
      return run(parsed.data) ?? null;
    } catch (error) {
      if (error instanceof MinerError) throw invalidParams(error.message);
      throw error;
    }
  };
}

/** The control as JSON-RPC methods, so that a person can use it through curl. */
export function createControlMethods({ ledger, control, faults }: ControlMethodsOptions): RpcMethods {
  return {
    devnet_register: checked(z.tuple([HOTKEY, REGISTRATION.optional()]), ([hotkey, registration]) =>
      control.register(hotkey, registration),
    ),
    devnet_deregister: checked(z.tuple([HOTKEY]), ([hotkey]) => control.deregister(hotkey)),
    devnet_setStake: checked(z.tuple([HOTKEY, z.number()]), ([hotkey, stakeTao]) =>
      control.setStake(hotkey, stakeTao),
    ),
    devnet_setPermit: checked(z.tuple([HOTKEY, z.boolean()]), ([hotkey, permit]) =>
      control.setPermit(hotkey, permit),
    ),
    devnet_setWeightsVersion: checked(z.tuple([z.number()]), ([weightsVersion]) =>
      control.setWeightsVersion(weightsVersion),
    ),
    devnet_lag: checked(z.tuple([LAG]), ([{ seconds }]) => control.setLag(seconds * 1000)),
    devnet_produceBlock: checked(z.tuple([]), () => {
      control.produceBlock();
      return ledger.head.number;
    }),
    devnet_refuseNext: checked(z.tuple([z.number()]), ([code]) => control.refuseNext(code)),
    devnet_evict: checked(z.tuple([HOTKEY, HOTKEY]), ([hotkey, newcomer]) => control.evict(hotkey, newcomer)),
    devnet_stopAnswering: checked(z.tuple([DURATION]), ([{ seconds }]) =>
      faults.stopAnswering(seconds * 1000),
    ),
    devnet_stopBlocks: checked(z.tuple([DURATION]), ([{ seconds }]) => faults.stopBlocks(seconds * 1000)),
    devnet_dropConnections: checked(z.tuple([]), () => faults.dropConnections()),
    devnet_upgradeRuntime: checked(z.tuple([z.number()]), ([specVersion]) =>
      faults.upgradeRuntime(specVersion),
    ),
    devnet_state: checked(z.tuple([]), () => ({
      block: ledger.head.number,
      netuid: ledger.head.subnet.netuid,
      timestampMs: ledger.head.timestampMs,
      servingRateLimitBlocks: ledger.head.subnet.servingRateLimitBlocks,
      weightsVersion: ledger.head.subnet.weightsVersion,
      neurons: ledger.head.subnet.neurons.map(describeNeuron),
    })),
  };
}
