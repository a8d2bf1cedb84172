// Every setting, once: its type, default, text and flags. The template, the flags, the documents and the types follow it.
import { z } from 'zod';
import { DEFAULT_WALLET_PATH } from '../wallet/btcli.ts';
import { NETWORK_NAMES, type NetworkName } from './networks.ts';

/** What a setting needs beyond its type: its text, its place in the template, its other names. */
interface SettingMeta {
  readonly section: string;
  /** One line for the template, the help and the documents. */
  readonly doc: string;
  /** Flags as the Bittensor SDK spells them, without the dashes. The key in kebab-case is always a flag as well. */
  readonly flags?: readonly string[];
  /** Environment variables of the SDK, used if nothing else names the setting. */
  readonly aliases?: readonly string[];
  /** Whether to warn if two sources disagree on it. */
  readonly warnOnConflict?: boolean;
  /** The value in the template, if there is no default. */
  readonly example?: string;
}

/** The texts of each setting, by its zod schema. */
const settingMeta = z.registry<SettingMeta>();

const wholeNumber = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
};
const port = () => wholeNumber(1, 65535);
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z
    .string()
    .transform((text) => text.trim().toLowerCase())
    .pipe(z.enum(values, { error: `must be one of ${values.join(', ')}` }));
const yesOrNo = () =>
  z
    .string()
    .transform((text) => text.trim().toLowerCase())
    .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off'], { error: 'must be true or false' }))
    .transform((text) => ['true', '1', 'yes', 'on'].includes(text));

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

// The coldkey lies beside the folder of the hotkeys. No name may lead out of that folder.
const plainFileName = () =>
  z.string().refine((name) => name !== '.' && name !== '..' && !/[/\0]/.test(name), {
    error: 'must be a plain file name',
  });

const MINER = 'Miner';
const WALLET = 'Wallet: the hotkey that is registered on the subnet (the coldkey is never read)';
const CHAIN = 'Chain';
const AXON = 'Axon: the public port that validators call';
const MODEL = 'Models';
const LIMITS = 'Limits (the defaults suit most hosts)';
const OPERATION = 'Operation';

/**
 * Other names of the same networks in the SDKs and the scripts of subtensor. `archive` and `latent-lite` are nodes of
 * mainnet; a miner needs nothing from them that the public nodes lack.
 */
const NETWORK_SYNONYMS: Readonly<Record<string, NetworkName>> = {
  mainnet: 'finney',
  archive: 'finney',
  'latent-lite': 'finney',
  testnet: 'test',
};

const networkName = z
  .string()
  .transform((text) => text.toLowerCase())
  .transform((name) => NETWORK_SYNONYMS[name] ?? name)
  .pipe(
    z.enum(NETWORK_NAMES, {
      error: `must be one of ${NETWORK_NAMES.join(', ')} (${Object.keys(NETWORK_SYNONYMS).join(', ')} also work), or the ws:// or wss:// address of a node`,
    }),
  );

const endpointList = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )
  .pipe(
    z
      .array(
        z.string().refine((url) => /^wss?:\/\/[^\s/]+/.test(url) && URL.canParse(url), {
          error: 'each endpoint must begin with ws:// or wss://, and then name a host',
        }),
      )
      .min(1)
      .max(16),
  );

/**
 * The settings of the miner by key. They parse strings, as the environment has them.
 */
export const settingsSchema = z.object({
  MINER_TYPE: oneOf(['detector', 'segmenter'])
    .default('detector')
    .register(settingMeta, { section: MINER, doc: 'detector (images and videos) or segmenter (masks)' }),

  WALLET_NAME: plainFileName()
    .default('default')
    .register(settingMeta, {
      section: WALLET,
      doc: 'name of the wallet (coldkey)',
      flags: ['wallet.name', 'wallet'],
      aliases: ['BT_WALLET_NAME', 'BT_WALLET'],
      warnOnConflict: true,
    }),
  WALLET_HOTKEY: plainFileName()
    .default('default')
    .register(settingMeta, {
      section: WALLET,
      doc: 'name of the hotkey',
      flags: ['wallet.hotkey'],
      aliases: ['BT_WALLET_HOTKEY'],
      warnOnConflict: true,
    }),
  WALLET_PATH: z
    .string()
    .default(DEFAULT_WALLET_PATH)
    .register(settingMeta, {
      section: WALLET,
      doc: 'folder of the wallets',
      flags: ['wallet.path'],
      aliases: ['BT_WALLET_PATH'],
      warnOnConflict: true,
    }),
  WALLET_PASSWORD_FILE: z.string().optional().register(settingMeta, {
    section: WALLET,
    doc: 'file with the password of an encrypted hotkey; the BT_PW_* variable of btcli works as well',
    example: '',
  }),

  NETWORK: networkName.optional().register(settingMeta, {
    section: CHAIN,
    doc: 'finney (mainnet), test or local; if empty, the network of CHAIN_ENDPOINT; a ws:// address counts as CHAIN_ENDPOINT',
    flags: ['subtensor.network'],
    aliases: ['BT_SUBTENSOR_NETWORK', 'BT_NETWORK'],
    warnOnConflict: true,
    example: 'finney',
  }),
  NETUID: wholeNumber(0, 65535)
    .optional()
    .register(settingMeta, {
      section: CHAIN,
      doc: 'number of the subnet; if empty, 34 on finney and local, 168 on test (release line 3.x; 379 in 4.x)',
      flags: ['netuid'],
      example: '34',
    }),
  CHAIN_ENDPOINT: endpointList.optional().register(settingMeta, {
    section: CHAIN,
    doc: 'address of a subtensor node, or a comma list: if one fails, the next is used; if empty, the public node of NETWORK',
    flags: ['subtensor.chain_endpoint'],
    aliases: ['BT_SUBTENSOR_CHAIN_ENDPOINT', 'BT_CHAIN_ENDPOINT'],
    warnOnConflict: true,
    example: 'wss://entrypoint-finney.opentensor.ai:443',
  }),
  ON_UNREGISTERED: oneOf(['wait', 'exit']).default('wait').register(settingMeta, {
    section: CHAIN,
    doc: 'for an unregistered hotkey: wait (listen, so that you can try curl ip:port before you pay) or exit (with code 12)',
  }),
  BLOCK_WATCHDOG_SECONDS: wholeNumber(15, 3600).default(60).register(settingMeta, {
    section: CHAIN,
    doc: 'if a node brings no new block for this time, or its newest block is older, the miner leaves it for the next endpoint',
  }),
  SIGNERS_MAX_AGE_HOURS: wholeNumber(1, 8760).default(24).register(settingMeta, {
    section: CHAIN,
    doc: 'how long the last signer table (who may call) is used while no node can be reached, also after a restart',
  }),

  AXON_PORT: port()
    .default(8091)
    .register(settingMeta, {
      section: AXON,
      doc: 'port to listen on',
      flags: ['axon.port'],
      aliases: ['BT_AXON_PORT'],
    }),
  AXON_IP: z
    .string()
    .default('0.0.0.0')
    .transform((text) => (text === '[::]' ? '0.0.0.0' : text))
    .pipe(z.union([z.ipv4(), z.ipv6()], { error: 'must be an address of this host, such as 0.0.0.0' }))
    .register(settingMeta, {
      section: AXON,
      doc: 'address of this host to listen on; 0.0.0.0 means all',
      flags: ['axon.ip'],
      aliases: ['BT_AXON_IP'],
    }),
  AXON_EXTERNAL_IP: z
    .string()
    .optional()
    .transform((text) => (text === '[::]' ? undefined : text))
    .pipe(
      z
        .ipv4({ error: 'must be an IPv4 address (validators cannot reach IPv6), or [::] to find it out' })
        .optional(),
    )
    .register(settingMeta, {
      section: AXON,
      doc: 'IPv4 address to announce; if it is [::] or empty, the miner finds it out',
      flags: ['axon.external_ip'],
      aliases: ['BT_AXON_EXTERNAL_IP'],
      example: '[::]',
    }),
  AXON_EXTERNAL_PORT: port()
    .optional()
    .register(settingMeta, {
      section: AXON,
      doc: 'port to announce, if it differs from AXON_PORT (NAT)',
      flags: ['axon.external_port'],
      aliases: ['BT_AXON_EXTERNAL_PORT'],
      example: '',
    }),
  FORCE_VPERMIT: yesOrNo()
    .default(true)
    .register(settingMeta, {
      section: AXON,
      doc: 'true: answer only callers with MIN_VALIDATOR_STAKE; false: answer every registered caller',
      flags: ['blacklist.force_validator_permit', 'force_validator_permit'],
    }),
  MIN_VALIDATOR_STAKE: z.coerce
    .number({ error: 'must be a number of TAO' })
    .min(0)
    .default(10_000)
    .register(settingMeta, { section: AXON, doc: 'stake weight in TAO that a caller needs' }),
  SYNAPSE: yesOrNo().default(true).register(settingMeta, {
    section: AXON,
    doc: "true: a detector also answers /ImageSynapse and /VideoSynapse of the SDK's dendrite; false: they get 404",
  }),

  DEVICE: oneOf(['cpu', 'cuda', 'auto'])
    .default('auto')
    .register(settingMeta, {
      section: MODEL,
      doc: 'cpu, cuda (an error if CUDA is missing) or auto (cuda; if it is missing, cpu with a warning)',
      flags: ['device', 'neuron.device'],
    }),
  IMAGE_MODEL: z.string().default('models/example-image-detector').register(settingMeta, {
    section: MODEL,
    doc: 'detector for images: a folder with model.onnx, or an .onnx file',
  }),
  VIDEO_MODEL: z
    .string()
    .default('models/example-video-detector')
    .register(settingMeta, { section: MODEL, doc: 'detector for videos, likewise' }),
  SEGMENTER_MODEL: z
    .string()
    .default('models/example-segmenter')
    .register(settingMeta, { section: MODEL, doc: 'segmenter for images, likewise' }),

  BODY_LIMIT_MIB: wholeNumber(1, 1024)
    .default(192)
    .register(settingMeta, { section: LIMITS, doc: 'largest body of a request, in MiB' }),
  BODY_BUDGET_MIB: wholeNumber(16, 65536)
    .default(1024)
    .register(settingMeta, { section: LIMITS, doc: 'total size of the bodies of all open requests, in MiB' }),
  VIDEO_CONCURRENCY: wholeNumber(1, 64).optional().register(settingMeta, {
    section: LIMITS,
    doc: 'videos decoded at once; if empty, half the cores, and at least 2',
    example: '',
  }),
  FUTURE_TOLERANCE_MS: wholeNumber(0, 600_000).default(60_000).register(settingMeta, {
    section: LIMITS,
    doc: 'how far the clock of a caller may be ahead of the clock of this host, in milliseconds',
  }),

  LOGLEVEL: oneOf(LOG_LEVELS)
    .default('info')
    .register(settingMeta, {
      section: OPERATION,
      doc: LOG_LEVELS.join(', '),
      flags: ['logging.level'],
    }),
  ADMIN_PORT: port().optional().register(settingMeta, {
    section: OPERATION,
    doc: 'port on 127.0.0.1 for /livez, /readyz and /status; if empty, AXON_PORT + 1000',
    example: '',
  }),
  STATE_DIR: z.string().default('~/.sn34-miner').register(settingMeta, {
    section: OPERATION,
    doc: 'folder for the state that a restart must keep, and for copies of the running models',
  }),
  DEVNET_PORT: port()
    .default(9944)
    .register(settingMeta, { section: OPERATION, doc: 'port of the development chain that --dev starts' }),
  DEVNET_BLOCK_TIME_MS: wholeNumber(50, 600_000).default(12_000).register(settingMeta, {
    section: OPERATION,
    doc: 'time between two blocks of the development chain, in milliseconds',
  }),
});

/** The settings by key, checked, with their defaults. */
export type Settings = z.output<typeof settingsSchema>;
export type SettingKey = keyof Settings;

export const SETTING_KEYS = Object.keys(settingsSchema.shape) as SettingKey[];

/** The texts and names of a setting. */
export function metaOf(key: SettingKey): SettingMeta {
  const meta = settingMeta.get(settingsSchema.shape[key]);
  if (meta === undefined) throw new Error(`setting ${key} has no documentation`);
  return meta;
}
