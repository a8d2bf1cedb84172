import type { Chain } from '../chain/chain.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import type { Logger } from '../telemetry/logger.ts';
import { unregisteredNotice } from './unregistered-notice.ts';

/** Says once, on each change, whether the hotkey is registered, and what to do if it is not. */
export function logRegistration(config: MinerConfig, hotkey: string, chain: Chain, logger: Logger): void {
  chain.on('registration', (registration) => {
    switch (registration.state) {
      case 'registered': {
        const { uid, sinceBlock, immuneUntilBlock, movedFromUid } = registration;
        if (movedFromUid === null) {
          logger.info({ uid, sinceBlock, immuneUntilBlock }, 'registered on the subnet');
        } else {
          logger.warn({ uid, sinceBlock, immuneUntilBlock, movedFromUid }, 'registered at another uid');
        }
        return;
      }
      case 'unregistered':
        logger.warn(
          { notice: unregisteredNotice(config, hotkey, registration) },
          'not registered on the subnet',
        );
        return;
      case 'deregistered':
        logger.error(
          { code: 'CHAIN_NOT_REGISTERED', notice: unregisteredNotice(config, hotkey, registration) },
          'no longer registered on the subnet',
        );
    }
  });
}
