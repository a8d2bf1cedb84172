import { asMinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { SubtensorReader } from './reader.ts';
import { createSingleFlight } from './single-flight.ts';

/** Whether the hotkey is on the subnet, as the chain last said. */
export type Registration =
  | { readonly state: 'unknown' }
  | {
      readonly state: 'registered';
      readonly uid: number;
      readonly sinceBlock: number;
      /** From this block on the subnet may give the uid to another; null where the chain does not tell. */
      readonly immuneUntilBlock: number | null;
      /** The uid that the hotkey was known to have before, where that is another one. */
      readonly movedFromUid: number | null;
      readonly standing: Standing;
    }
  /** Not known to have ever been registered. `burnTao`: what a registration costs now, in TAO. */
  | { readonly state: 'unregistered'; readonly burnTao: number }
  /** Was registered, and has lost its uid. `takenBy`: the hotkey that has the uid now; null when nobody has. */
  | {
      readonly state: 'deregistered';
      readonly formerUid: number;
      readonly takenBy: string | null;
      readonly burnTao: number;
    };

/** What the hotkey earns compared with the other neurons of the subnet. */
export interface Standing {
  /** Share of the highest possible incentive, 0 to 1. */
  readonly incentive: number;
  /** 1 is the best paid; null for one who is not paid at all. */
  readonly rank: number | null;
  /** Neurons of the subnet. */
  readonly neurons: number;
}

export interface RegistrationWatch {
  readonly current: Registration;
  /** Asks the chain again; on failure, or while it is away, the last answer stays. Never rejects. */
  refresh(): Promise<void>;
}

interface RegistrationOptions {
  /** What to read through; undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  /** The uid that an earlier process last knew the hotkey to have. */
  readonly formerUid?: number | undefined;
  readonly logger: Logger;
  /** Called when the hotkey got on the subnet, left it or moved on it; not for a mere change of price or pay. */
  readonly onChange: (registration: Registration) => void;
  /** Called for an answer that is none of a subtensor. */
  readonly onUnreadable: () => void;
}

/** The chain counts incentive in 65535ths. */
const FULL_INCENTIVE = 65_535;

/**
 * Follows the registration of the hotkey. Only `Uids` is believed: `Keys` answers a default for every uid, and
 * the other tables of the subnet may be a step behind.
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
      // The loss of the connection is told by the connection.
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

/** The uid before the present one, remembered for as long as the hotkey stays where it moved to. */
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
