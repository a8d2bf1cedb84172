/**
 * The codes of all failures that a person or a validator can meet. Codes are stable: scripts and monitors search for them.
 * `npm run docs` writes this table to docs/errors.md.
 */
interface ErrorDefinition {
  /** HTTP status of the refusal; absent for a failure that no caller meets. */
  readonly status?: number;
  /** What happened. */
  readonly meaning: string;
  /** What the operator can do. */
  readonly remedy: string;
}

const DEFINITIONS = {
  CONFIG_INVALID: {
    meaning: 'One or more settings are wrong. The message names each of them.',
    remedy: 'Correct them in .env.miner, in the environment or in the flags.',
  },
  CONFIG_FILE_MISSING: {
    meaning: 'The settings file does not exist.',
    remedy: 'Copy .env.miner.template to .env.miner and fill it in, or try --dev first.',
  },
  CONFIG_DEV_ONLY_LOOPBACK: {
    meaning: 'Development mode takes a chain on this machine only, and the settings name another.',
    remedy:
      'Remove CHAIN_ENDPOINT, or the address in NETWORK or BT_NETWORK. Or run without --dev, with your own wallet.',
  },
  CONFIG_INSTANCE_TAKEN: {
    meaning: 'Under the name of this INSTANCE, pm2 already runs a miner with another folder or hotkey.',
    remedy: 'Choose another INSTANCE, or run ./start_miner.sh stop in the folder of the other miner.',
  },
  STATE_DIR_UNUSABLE: {
    meaning: 'STATE_DIR cannot be written or locked. The message gives the reason.',
    remedy: 'Set STATE_DIR to a folder on a local disk that the user of the miner owns.',
  },
  HOTKEY_IN_USE: {
    meaning: 'Another process on this host runs this hotkey. A hotkey may have only one miner.',
    remedy: 'Stop the other process (./start_miner.sh stop in its folder), or use another hotkey.',
  },
  WALLET_NOT_FOUND: {
    meaning: 'The wallet settings name a hotkey file that does not exist.',
    remedy:
      'Check WALLET_PATH, WALLET_NAME and WALLET_HOTKEY, or create a hotkey with `btcli wallet new-hotkey`.',
  },
  WALLET_UNREADABLE: {
    meaning: 'The hotkey file exists, but the miner cannot read it.',
    remedy: 'Check that the user of the miner owns the file and that its mode is 0600.',
  },
  WALLET_FORMAT: {
    meaning: 'The hotkey file has a form that the miner cannot use. The message gives the reason.',
    remedy: 'Regenerate the hotkey from its words or its seed with `btcli wallet regen-hotkey`.',
  },
  WALLET_MISMATCH: {
    meaning: 'The secret key in the hotkey file does not belong to the hotkey in the same file.',
    remedy: 'Regenerate the hotkey from its words with `btcli wallet regen-hotkey`.',
  },
  WALLET_PASSWORD_MISSING: {
    meaning: 'The hotkey file is encrypted, and no password was given.',
    remedy: 'Set WALLET_PASSWORD_FILE, or the BT_PW_ variable that the message names.',
  },
  WALLET_PASSWORD_WRONG: {
    meaning: 'The password does not open the hotkey file.',
    remedy: 'Correct the password file or the BT_PW_ variable.',
  },
  WALLET_DEV_KEY_REFUSED: {
    meaning: 'The hotkey is a public development key, and the chain is a public network.',
    remedy: 'Use a hotkey of your own. Development keys work with --dev only.',
  },
  CHAIN_UNREACHABLE: {
    meaning: 'No chain endpoint answers. The miner keeps trying.',
    remedy: 'Check the network and CHAIN_ENDPOINT. It takes several endpoints, separated by commas.',
  },
  CHAIN_NODE_BEHIND: {
    meaning: 'The newest block of the node is older than BLOCK_WATCHDOG_SECONDS. The miner keeps trying.',
    remedy:
      'Wait until the node has synced, or add an endpoint to CHAIN_ENDPOINT. If every node has this error, the clock of this host is fast: run chronyc tracking.',
  },
  CHAIN_WRONG_NETWORK: {
    meaning: 'The endpoint serves a chain that is not the one in NETWORK.',
    remedy:
      'Make NETWORK and CHAIN_ENDPOINT agree. If you rebuilt a chain of your own, delete the file that the message names.',
  },
  CHAIN_CALL_FAILED: {
    meaning: 'The chain answered a call with an error, or not in time.',
    remedy: 'Wait: most such errors pass. If this one stays, use another endpoint.',
  },
  CHAIN_ENDPOINT_UNTRUSTED: {
    meaning: 'The endpoint sent data that no subtensor node sends. The miner tries the next endpoint.',
    remedy: 'Remove the endpoint from CHAIN_ENDPOINT. If every endpoint has this error, update the miner.',
  },
  CHAIN_NOT_REGISTERED: {
    meaning: 'The hotkey is not registered on the subnet.',
    remedy: 'Register it with the btcli command in the message, or set ON_UNREGISTERED=wait.',
  },
  CHAIN_ANNOUNCE_REFUSED: {
    meaning: 'The chain refused to store the address of the axon. The message names the rule.',
    remedy: 'Correct AXON_EXTERNAL_IP or AXON_EXTERNAL_PORT if the message names it. The miner tries again.',
  },
  CHAIN_HOTKEY_CONTESTED: {
    meaning: 'The chain holds an address for this hotkey that this miner did not announce.',
    remedy: 'Stop the other miner, or give each host its own hotkey. After a move to this host, do nothing.',
  },
  CHAIN_NO_EXTERNAL_IP: {
    meaning: 'The miner could not find the public address of this host.',
    remedy: 'Set AXON_EXTERNAL_IP to the address that validators can reach.',
  },
  MODEL_NOT_FOUND: {
    meaning: 'The model file, its folder or one of its weight files does not exist.',
    remedy: 'Check the model paths in the settings, and copy all files of the model.',
  },
  MODEL_UNREADABLE: {
    meaning: 'The ONNX file or one of its weight files cannot be loaded. The message gives the reason.',
    remedy: 'Copy all files of the model again, or export the model again as the message says.',
  },
  MODEL_JSON_INVALID: {
    meaning: 'The file model.json is not JSON, or has wrong or unknown fields. The message names them.',
    remedy: 'Correct the named fields. The file models/README.md describes all fields.',
  },
  MODEL_CONTRADICTION: {
    meaning:
      'The file model.json contradicts the ONNX file, or the use of the model. The message names both.',
    remedy: 'Correct the wrong one. The file model.json need not repeat what the ONNX file says.',
  },
  MODEL_INVALID: {
    meaning: 'The miner cannot use an input or output of the model, or model.json lacks a field.',
    remedy: 'Add the field to model.json, or export the model as models/README.md says.',
  },
  MODEL_ANSWER_INVALID: {
    meaning: 'The model failed on its first picture, or its answer was not a prediction.',
    remedy:
      'Run the ONNX file in Python. If it answers there, check output.kind and input.size in model.json.',
  },
  MODEL_COPY_FAILED: {
    meaning: 'The miner could not copy the model files to STATE_DIR. The model runs from this copy.',
    remedy:
      'Check the file permissions, and the free space in STATE_DIR: one model size, two during a reload.',
  },
  MODEL_DEVICE_UNAVAILABLE: {
    meaning: 'DEVICE is cuda, and CUDA does not work on this host.',
    remedy: 'Install the NVIDIA driver and run ./setup.sh --cuda, or set DEVICE=cpu or DEVICE=auto.',
  },
  MODEL_UNAVAILABLE: {
    status: 503,
    meaning: 'The process of the model keeps ending. The miner starts it again every 30 seconds.',
    remedy: 'Check the free memory of the host and of the GPU. The log holds the last output of the process.',
  },
  MODEL_WARMING: {
    status: 503,
    meaning: 'The model is still loading.',
    remedy: 'Wait. The answer of /readyz on the admin port says when the model is ready.',
  },
  AXON_PORT_IN_USE: {
    meaning: 'Another process listens on the port.',
    remedy: 'Stop that process, or choose another AXON_PORT, ADMIN_PORT or DEVNET_PORT.',
  },
  AXON_ADDRESS_UNAVAILABLE: {
    meaning: 'This host does not have the address in AXON_IP, or not yet.',
    remedy: 'Correct AXON_IP, or bring up the network interface. 0.0.0.0 means every address of this host.',
  },
  AXON_NOT_FOUND: {
    status: 404,
    meaning: 'This type of miner does not have the route.',
    remedy: 'Do nothing. After a 404, a validator asks for the type of the miner.',
  },
  AXON_METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'The route does not take this HTTP method.',
    remedy: 'Do nothing.',
  },
  AXON_REQUEST_INVALID: {
    status: 400,
    meaning: 'The request is not valid HTTP.',
    remedy: 'Do nothing. The caller is not a validator.',
  },
  AXON_VERSION_UNKNOWN: {
    status: 400,
    meaning: 'The request does not use version 2 of Epistula, or comes from an SDK before 7.2.0.',
    remedy: 'Do nothing. The caller is not a validator of this subnet.',
  },
  AXON_WRONG_RECEIVER: {
    status: 400,
    meaning: 'The request is signed for another hotkey.',
    remedy: 'Check that no other hotkey announces the address of this host.',
  },
  AXON_HEADER_INVALID: {
    status: 400,
    meaning: 'A header of the signed request is missing or malformed.',
    remedy: 'Do nothing. The caller is not a validator of this subnet.',
  },
  AXON_STALE: {
    status: 400,
    meaning: 'The request is older than 8 seconds. A synapse may be 4 seconds and its timeout old.',
    remedy:
      "Check the clock of this host with chronyc tracking. If the clock is right, the fault is the caller's.",
  },
  AXON_FUTURE: {
    status: 400,
    meaning: 'The request is dated further ahead than FUTURE_TOLERANCE_MS.',
    remedy:
      "Check the clock of this host with chronyc tracking. If the clock is right, the fault is the caller's.",
  },
  AXON_SIGNER_UNKNOWN: {
    status: 401,
    meaning: "The caller's hotkey is not registered on the subnet.",
    remedy: 'Do nothing. The miner serves registered hotkeys only.',
  },
  AXON_SIGNER_STAKE: {
    status: 401,
    meaning: "The caller's hotkey has less stake than MIN_VALIDATOR_STAKE.",
    remedy: 'Lower MIN_VALIDATOR_STAKE if the validators of your network have less.',
  },
  AXON_SIGNERS_UNKNOWN: {
    status: 503,
    meaning: 'The miner has no signer table from the chain, or one older than SIGNERS_MAX_AGE_HOURS.',
    remedy: 'Check CHAIN_ENDPOINT, and the chain connection in /status.',
  },
  AXON_SIGNATURE_MISMATCH: {
    status: 400,
    meaning: 'The signature does not fit the body and the headers.',
    remedy: 'Do nothing. The request was altered or forged.',
  },
  AXON_REPLAY: {
    status: 400,
    meaning: 'The miner has already served this signed request.',
    remedy: 'Do nothing. Validators never send a request twice.',
  },
  AXON_REPLAY_UNKNOWN: {
    status: 503,
    meaning: 'The miner lost its memory of served requests, so this request could be a replay.',
    remedy: 'Wait for FUTURE_TOLERANCE_MS. Check the disk and the owner of STATE_DIR.',
  },
  AXON_SYNAPSE_INVALID: {
    status: 400,
    meaning: 'The body of a synapse, or the body hash in its headers, does not fit its path.',
    remedy: "Compare the caller's synapse class with the one in docs/protocols.md.",
  },
  AXON_BODY_TOO_LARGE: {
    status: 413,
    meaning: 'The body is larger than BODY_LIMIT_MIB, or for a synapse larger than 64 MiB.',
    remedy: 'Raise BODY_LIMIT_MIB if validators send larger bodies.',
  },
  AXON_BODY_TIMEOUT: {
    status: 408,
    meaning: 'The body did not arrive in time.',
    remedy: 'Check the bandwidth of this host if validators have this error.',
  },
  AXON_BODY_ABORTED: {
    status: 400,
    meaning: 'The caller went away before it had sent its body or had its answer.',
    remedy: 'Check the network of this host if validators have this error.',
  },
  AXON_BUSY: {
    status: 503,
    meaning: 'Uploads or answers use all the memory that they may use, or too many requests are open.',
    remedy: 'Raise BODY_BUDGET_MIB if validators have this error and the host has free memory.',
  },
  AXON_RATE: {
    status: 429,
    meaning: 'One address sends too many unsigned requests. It may send 400 at once, and then 20 a second.',
    remedy: 'Do nothing. If your own monitoring has this error, let it ask less often.',
  },
  AXON_CLOSING: {
    status: 503,
    meaning: 'The miner is shutting down.',
    remedy: 'Do nothing.',
  },
  AXON_INTERNAL: {
    status: 500,
    meaning: 'This is a fault in the miner.',
    remedy: 'Report it with the log line of the request.',
  },
  ADMISSION_QUEUE_FULL: {
    status: 503,
    meaning: 'Too many requests already wait for an answer.',
    remedy: 'Use a faster model, a faster host or a GPU.',
  },
  ADMISSION_DEADLINE: {
    status: 503,
    meaning: 'The answer would have come too late, so the miner dropped the request.',
    remedy: 'Use a faster model, a faster host or a GPU.',
  },
  ADMISSION_YIELDED: {
    status: 503,
    meaning: 'The miner ended this work: it took far longer than that of other callers, who waited.',
    remedy: 'Do nothing for one caller. If many validators have this error, use a faster model, host or GPU.',
  },
  MEDIA_UNSUPPORTED: {
    status: 415,
    meaning: 'The miner does not decode this kind of file.',
    remedy: "Do nothing. The fault is the caller's.",
  },
  MEDIA_UNDECODABLE: {
    status: 422,
    meaning: 'The picture or video is damaged.',
    remedy: "Do nothing. The fault is the caller's.",
  },
  MEDIA_TOO_LARGE: {
    status: 413,
    meaning: 'The picture or video is larger than the miner decodes.',
    remedy: "Do nothing. The fault is the caller's.",
  },
  MEDIA_TIMEOUT: {
    status: 503,
    meaning: 'The picture or video could not be decoded in time.',
    remedy: 'Use a faster host if many callers have this error. If few have it, the fault is theirs.',
  },
  MEDIA_DECODER_MISSING: {
    status: 500,
    meaning: 'One of ffmpeg, ffprobe and prlimit is not installed.',
    remedy: 'Run ./setup.sh, or apt-get install ffmpeg util-linux.',
  },
  MEDIA_NO_SPACE: {
    status: 503,
    meaning: 'There is no room for temporary files.',
    remedy: 'Free space in /dev/shm or in the folder for temporary files.',
  },
  INFERENCE_CRASHED: {
    status: 500,
    meaning: 'The process of the model ended twice on this input. The input is refused for ten minutes.',
    remedy: 'Check the free memory of the host and of the GPU. The log holds the last output of the process.',
  },
  INFERENCE_FAILED: {
    status: 500,
    meaning: 'The model failed, or its answer was not a prediction.',
    remedy: 'Run the model on the same input by hand. The message holds the words of ONNX Runtime.',
  },
  PROBE_UNANSWERED: {
    meaning: 'The miner did not answer the probe in time.',
    remedy: 'Start the miner with ./start_miner.sh --dev, and give probe the same AXON_PORT.',
  },
  PM2_FAILED: {
    meaning: 'A pm2 command failed. The message holds its words.',
    remedy: 'Run the same command by hand. If pm2 is missing, run ./setup.sh --production.',
  },
  PM2_PROCESS_CHANGED: {
    meaning:
      'Something else started, stopped or replaced this miner during the start. This command stopped nothing.',
    remedy: 'Wait until the other start or stop ends, and run the same command again.',
  },
  DEVNET_INVALID_CONTROL: {
    meaning: 'A control call of the development chain has wrong parameters.',
    remedy: 'Compare the call with the table of control calls in CONTRIBUTING.md.',
  },
  INTERNAL: {
    meaning: 'This is a fault in the miner.',
    remedy: 'Report it with the log.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof DEFINITIONS;

/** All error codes with their HTTP status, meaning and remedy. */
export const ERROR_DEFINITIONS: Readonly<Record<ErrorCode, ErrorDefinition>> = DEFINITIONS;

interface MinerErrorOptions {
  readonly cause?: unknown;
  /** Values for the log line; never secrets. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A failure with a code. `message` says what happened in this case; a caller may read it. */
export class MinerError extends Error {
  override readonly name = 'MinerError';
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: MinerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }

  /** The HTTP status of the refusal; 500 for a failure that no caller should meet. */
  get status(): number {
    return ERROR_DEFINITIONS[this.code].status ?? 500;
  }

  /** What the operator can do. */
  get remedy(): string {
    return ERROR_DEFINITIONS[this.code].remedy;
  }
}

/** A thrown value as a MinerError: one that is a MinerError stays as it is, every other one gets the code `fallback`. */
export function asMinerError(error: unknown, fallback: ErrorCode): MinerError {
  if (error instanceof MinerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new MinerError(fallback, message, { cause: error });
}
