import { asMinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createSingleFlight } from './single-flight.ts';
import type { SubtensorReader } from './subtensor-reader.ts';

/** Whether the hotkey is on the subnet, as the chain last said. */
export type Registration =
  | { readonly state: 'unknown' }
  | { readonly state: 'registered'; readonly uid: number; readonly sinceBlock: number }
  /** `burnTao`: what a registration costs now, in TAO. */
  | { readonly state: 'unregistered'; readonly burnTao: number };

export interface RegistrationWatch {
  readonly current: Registration;
  /** Asks the chain again; on failure, or while it is away, the last answer stays. Never rejects. */
  refresh(): Promise<void>;
}

interface RegistrationOptions {
  /** What to read through; undefined while the chain is away. */
  readonly reader: () => SubtensorReader | undefined;
  readonly logger: Logger;
  /** Called when the hotkey got on the subnet, left it or moved on it; not for a mere change of the price. */
  readonly onChange: (registration: Registration) => void;
}

/**
 * Follows the registration of the hotkey. Only `Uids` is believed: `Keys` answers a default for every uid, and
 * the other tables of the subnet may be a step behind.
 */
export function createRegistrationWatch(options: RegistrationOptions): RegistrationWatch {
  const { reader, logger, onChange } = options;
  let current: Registration = { state: 'unknown' };

  const flight = createSingleFlight(
    async () => {
      const source = reader();
      if (source === undefined) return;
      const before = current;
      current = await readRegistration(source);
      if (!isSamePlace(before, current)) onChange(current);
    },
    (error) => {
      // The loss of the connection is told by the connection.
      if (reader() === undefined) return;
      const { code, message } = asMinerError(error, 'CHAIN_CALL_FAILED');
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

async function readRegistration(reader: SubtensorReader): Promise<Registration> {
  const uid = await reader.readUid();
  if (uid === undefined) return { state: 'unregistered', burnTao: await reader.readBurnTao() };
  return { state: 'registered', uid, sinceBlock: await reader.readRegistrationBlock(uid) };
}

function isSamePlace(a: Registration, b: Registration): boolean {
  if (a.state === 'registered' && b.state === 'registered') {
    return a.uid === b.uid && a.sinceBlock === b.sinceBlock;
  }
  return a.state === b.state;
}
