/** Where btcli keeps wallets. */
export const DEFAULT_WALLET_PATH = '~/.bittensor/wallets';

/**
 * Two programs are called `btcli`: the one that comes with the SDK since 11.0.0 (`pip install bittensor`), and the package
 * bittensor-cli, 9.0.0 to 9.23.2. Only the option for the name of the wallet differs.
 */
const WALLET_NAME_OPTIONS = { 'SDK 11': '--wallet', 'bittensor-cli 9': '--wallet-name' } as const;

export type BtcliGeneration = keyof typeof WALLET_NAME_OPTIONS;
export const BTCLI_GENERATIONS = Object.keys(WALLET_NAME_OPTIONS) as readonly BtcliGeneration[];

export interface BtcliCommand {
  readonly command:
    | 'wallet new-coldkey'
    | 'wallet new-hotkey'
    | 'wallet regen-coldkey'
    | 'wallet regen-hotkey'
    | 'wallet overview'
    | 'subnets register';
  readonly netuid?: number;
  readonly wallet: {
    readonly name: string;
    /** Absent for commands that concern the coldkey alone. */
    readonly hotkey?: string;
    /** Absent, or `DEFAULT_WALLET_PATH`: the option is left out. */
    readonly path?: string;
  };
  /** A name that both programs know (`finney`, `test`), or the `ws://` address of a node. */
  readonly network?: string;
}

/** A command of btcli as a shell reads it. */
export function btcliCommand(
  generation: BtcliGeneration,
  { command, netuid, wallet, network }: BtcliCommand,
): string {
  const options: readonly (readonly [option: string, value: string | undefined])[] = [
    ['--netuid', netuid?.toString()],
    [WALLET_NAME_OPTIONS[generation], wallet.name],
    ['--wallet-hotkey', wallet.hotkey],
    ['--wallet-path', wallet.path === DEFAULT_WALLET_PATH ? undefined : wallet.path],
    ['--network', network],
  ];
  const given = options.flatMap(([option, value]) => (value === undefined ? [] : [option, quoted(value)]));
  return ['btcli', command, ...given].join(' ');
}

/** The command for each generation, as part of a sentence: the reader takes the one for their btcli. */
export function inBothForms(command: BtcliCommand): string {
  return BTCLI_GENERATIONS.map(
    (generation) => `\`${btcliCommand(generation, command)}\` (${generation})`,
  ).join(' or ');
}

/** Text as one word of a shell. btcli itself expands a tilde in quotes. */
function quoted(text: string): string {
  return /^(~\/)?[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
