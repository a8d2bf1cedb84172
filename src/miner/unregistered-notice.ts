import type { MinerConfig } from '../config/miner-config.ts';
import { DEFAULT_WALLET_PATH } from '../config/schema.ts';

/**
 * What an operator whose hotkey is not registered has to know: what it costs, and the exact command for this network.
 * @param burnTao what registering burns at present, where it is known
 */
export function unregisteredNotice(
  { chain, wallet, dev }: MinerConfig,
  hotkey: string,
  burnTao: number | undefined,
): string {
  const endpoint = chain.endpoints[0] ?? '';
  const where =
    chain.btcliNetwork === 'local'
      ? `--subtensor.chain_endpoint ${endpoint}`
      : `--subtensor.network ${chain.btcliNetwork}`;
  const command = dev
    ? `curl -d '{"jsonrpc":"2.0","id":1,"method":"devnet_register","params":["${hotkey}"]}' ${endpoint.replace('ws:', 'http:')}`
    : `btcli s register --netuid ${chain.netuid} ${walletFlags(wallet)} ${where}`;
  const cost = burnTao === undefined ? '' : ` Registering burns ${burnTao} TAO at present.`;
  return `hotkey ${hotkey} is not registered on subnet ${chain.netuid} of ${chain.networkName}.${cost} Register it with: ${command}`;
}

/** The wallet as a shell reads it; its folder only where btcli would look elsewhere. */
function walletFlags({ name, hotkey, path }: MinerConfig['wallet']): string {
  const quoted = (text: string) => (/^[\w./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const folder = path === DEFAULT_WALLET_PATH ? '' : ` --wallet.path ${quoted(path)}`;
  return `--wallet.name ${quoted(name)} --wallet.hotkey ${quoted(hotkey)}${folder}`;
}
