/** Follows the registration of the hotkey. Owned by chain.ts. */

import { asMinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SubtensorReader } from './reader.ts';
import { createSingleFlight } from './single-flight.ts';

/** Whether the hotkey is on the subnet, as last read from the chain. */
export type Registration =
  | { readonly state: 'unknown' }
  | {
      readonly state: 'registered';
      readonly uid: number;
      readonly sinceBlock: number;
      /** From this block on the subnet may give the uid to another hotkey; null if the chain does not tell. */
      readonly immuneUntilBlock: number | null;
      /** The former uid of the hotkey, if it differs from `uid`. */
      readonly movedFromUid: number | null;
      readonly standing: Standing;
    }
  /** Never seen registered. `burnTao`: the price of a registration now, in TAO. */
  | { readonly state: 'unregistered'; readonly burnTao: number }
  /** Was registered and lost its uid. `takenBy`: the hotkey that has the uid now; null if nobody has it. */
  | {
      readonly state: 'deregistered';
      readonly formerUid: number;
      readonly takenBy: string | null;
      readonly burnTao: number;
    };

/** The pay of the hotkey compared with the other neurons of the subnet. */
export interface Standing {
  /** Share of the highest possible incentive, 0 to 1. */
  readonly incentive: number;
  /** 1 is the best paid; null for a neuron that is not paid. */
  readonly rank: number | null;
  /** Number of neurons of the subnet. */
  readonly neurons: number;
}

export interface RegistrationWatch {
  readonly current: Registration;
  /** Reads the chain again. The last answer stays if that fails or the chain is away. Never rejects. */
  refresh(): Promise<void>;
}

interface RegistrationOptions {
  /** Undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  /** The uid of the hotkey that an earlier process saved. */
  readonly formerUid?: number | undefined;
  readonly logger: Logger;
  /**
   * Called when the hotkey joins the subnet, leaves it or changes its uid; not when only the price or the pay changes.
   */
  readonly onChange: (registration: Registration) => void;
  /** Called for an answer that no subtensor gives. */
  readonly onUnreadable: () => void;
}

/** The chain counts incentive in 65535ths. */
const FULL_INCENTIVE = 65_535;

/**
 * Follows the registration of the hotkey. Only `Uids` decides: `Keys` answers a default for every uid, and the other
 * tables of the subnet may be a step behind.
 */
export function createRegistrationWatch(options: RegistrationOptions): RegistrationWatch {
  const { reader, logger, onChange, onUnreadable } = options;
  let { formerUid } = options;
  let current: Registration = { state: 'unknown' };

  const flight = createSingleFlight(
    async () => {
      const source = reader();
      if (source === undefined) return;
      const before = current;
      const uid = await source.readUid();
      current =
        uid === undefined
          ? await readAbsence(source, formerUid)
          : await readPresence(source, uid, movedFrom(before, uid, formerUid));
      formerUid = uid ?? formerUid;
      if (!isSamePlace(before, current)) onChange(current);
    },
    (error) => {
      // The connection logs its own loss.
      if (reader() === undefined) return;
      const { code, message } = asMinerError(error, 'CHAIN_CALL_FAILED');
      if (code === 'CHAIN_ENDPOINT_UNTRUSTED') onUnreadable();
      logger.warn({ code, reason: message }, 'registration not read, keeping the last');
    },
  );

  return {
    get current() {
      return current;
    },
    refresh: () => flight.run(),
  };
}

async function readAbsence(reader: SubtensorReader, formerUid: number | undefined): Promise<Registration> {
  const burnTao = await reader.readBurnTao();
  if (formerUid === undefined) return { state: 'unregistered', burnTao };
  const takenBy = (await reader.readHotkey(formerUid)) ?? null;
  return { state: 'deregistered', formerUid, takenBy, burnTao };
}

async function readPresence(
  reader: SubtensorReader,
  uid: number,
  movedFromUid: number | null,
): Promise<Registration> {
  const sinceBlock = await reader.readRegistrationBlock(uid);
  const immunityBlocks = await reader.readImmunityPeriodBlocks();
  return {
    state: 'registered',
    uid,
    sinceBlock,
    immuneUntilBlock: immunityBlocks === undefined ? null : sinceBlock + immunityBlocks,
    movedFromUid,
    standing: standingOf(uid, await reader.readIncentives()),
  };
}

function standingOf(uid: number, incentives: readonly number[]): Standing {
  const own = incentives[uid] ?? 0;
  const ahead = incentives.filter((incentive) => incentive > own).length;
  return {
    incentive: own / FULL_INCENTIVE,
    rank: own === 0 ? null : ahead + 1,
    neurons: incentives.length,
  };
}

/** The former uid. It is remembered until the hotkey moves again. */
function movedFrom(before: Registration, uid: number, formerUid: number | undefined): number | null {
  if (formerUid !== undefined && formerUid !== uid) return formerUid;
  return before.state === 'registered' ? before.movedFromUid : null;
}

function isSamePlace(a: Registration, b: Registration): boolean {
  if (a.state === 'registered' && b.state === 'registered') {
    return a.uid === b.uid && a.sinceBlock === b.sinceBlock;
  }
  return a.state === b.state;
}
