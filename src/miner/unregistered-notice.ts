import type { Registration } from '../chain/registration.ts';
import type { MinerConfig } from '../config/miner-config.ts';
import { DEFAULT_WALLET_PATH } from '../config/schema.ts';

/**
 * What an operator whose hotkey is not registered has to know: what happened, what registering costs (in TAO), and the
 * exact command for this network.
 */
export function unregisteredNotice(
  { chain, wallet, dev }: MinerConfig,
  hotkey: string,
  registration: Extract<Registration, { readonly burnTao: number }>,
): string {
  const endpoint = chain.endpoints[0] ?? '';
  const where =
    chain.btcliNetwork === 'local'
      ? `--subtensor.chain_endpoint ${endpoint}`
      : `--subtensor.network ${chain.btcliNetwork}`;
  const command = dev
    ? `curl -d '{"jsonrpc":"2.0","id":1,"method":"devnet_register","params":["${hotkey}"]}' ${endpoint.replace('ws:', 'http:')}`
    : `btcli s register --netuid ${chain.netuid} ${walletFlags(wallet)} ${where}`;
  const subnet = `subnet ${chain.netuid} of ${chain.networkName}`;
  return `hotkey ${hotkey} ${whatHappened(registration, subnet)}. Registering burns ${registration.burnTao} TAO at present. Register it with: ${command}`;
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

/** The wallet as a shell reads it; its folder only where btcli would look elsewhere. */
function walletFlags({ name, hotkey, path }: MinerConfig['wallet']): string {
  const quoted = (text: string) => (/^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const folder = path === DEFAULT_WALLET_PATH ? '' : ` --wallet.path ${quoted(path)}`;
  return `--wallet.name ${quoted(name)} --wallet.hotkey ${quoted(hotkey)}${folder}`;
}
