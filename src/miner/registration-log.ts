import type { Chain } from '../chain/chain.ts';
import type { Registration } from '../chain/registration.ts';
import { LIVE_NETWORK_NOTICE } from '../chain/validator-release.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { displayEndpoint } from '../net/display-endpoint.ts';
import type { Logger } from '../telemetry/logger.ts';
import { inBothForms } from '../wallet/btcli.ts';

/** Logs on each change whether the hotkey is registered, and what to do if it is not. */
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

/**
 * The notice for an operator whose hotkey is not registered: what happened, what registering costs (in TAO), and the exact
 * command for this network, for either generation of btcli. A subnet may lock a share of the price as collateral
 * (`CollateralLockShare`, from runtime 435 on); the rest is burned.
 */
export function unregisteredNotice(
  { chain, wallet, dev }: MinerConfig,
  hotkey: string,
  registration: Extract<Registration, { readonly burnTao: number }>,
): string {
  const endpoint = displayEndpoint(chain.endpoints[0] ?? '');
  const subnet = `subnet ${chain.netuid} of ${chain.networkName}`;
  const what = `hotkey ${hotkey} ${whatHappened(registration, subnet)}.`;
  if (dev) {
    const call = `{"jsonrpc":"2.0","id":1,"method":"devnet_register","params":["${hotkey}"]}`;
    return `${what} Register it with: curl -d '${call}' ${endpoint.replace('ws:', 'http:')}`;
  }
  const price =
    `Registering costs ${registration.burnTao} TAO at present, which is burned. The subnet may instead lock a part of it` +
    ' as collateral, a stake of yours that is released only as the miner earns.';
  const command = inBothForms({
    command: 'subnets register',
    netuid: chain.netuid,
    wallet,
    network: chain.btcliNetwork === 'local' ? endpoint : chain.btcliNetwork,
  });
  const live = chain.isPublic ? ` ${LIVE_NETWORK_NOTICE}` : '';
  return `${what} ${price}${live} Register it with ${command}.`;
}

function whatHappened(
  registration: Extract<Registration, { readonly burnTao: number }>,
  subnet: string,
): string {
  if (registration.state === 'unregistered') return `is not registered on ${subnet}`;
  const { formerUid, takenBy } = registration;
  const uid = `its uid ${formerUid} ${takenBy === null ? 'is gone' : `belongs to ${takenBy} now`}`;
  return `was deregistered on ${subnet}: ${uid}`;
}
