/**
 * Every failure a person or a validator can meet has a code here: stable, greppable, listed in the README
 * (a test keeps both equal). `status` is the HTTP status where the fault meets the wire; `remedy` tells the
 * operator what to do.
 */
interface ErrorDefinition {
  readonly status?: number;
  readonly meaning: string;
  readonly remedy: string;
}

const DEFINITIONS = {
  CONFIG_INVALID: {
    meaning: 'One or more settings are wrong; the message names each.',
    remedy: 'Correct the named keys in .env.miner, the environment or the flags.',
  },
  CONFIG_FILE_MISSING: {
    meaning: 'The settings file that was asked for does not exist.',
    remedy: 'cp .env.miner.template .env.miner and fill it in, or try ./start_miner.sh --dev first.',
  },
  CONFIG_DEV_ONLY_LOOPBACK: {
    meaning: 'Development mode was pointed at a chain that is not on this machine.',
    remedy:
      'Remove CHAIN_ENDPOINT (or the address in NETWORK or BT_NETWORK), or run without --dev and with a wallet of your own.',
  },
  CONFIG_INSTANCE_TAKEN: {
    meaning: 'pm2 already runs another miner, of another folder or hotkey, under the name of this INSTANCE.',
    remedy:
      'Choose another INSTANCE for this miner, or end the other one first: ./start_miner.sh stop in its folder.',
  },
  STATE_DIR_UNUSABLE: {
    meaning:
      'STATE_DIR, or the folder of the hotkey in it, cannot be written or locked; the message says why.',
    remedy: 'Set STATE_DIR to a folder on a local disk that belongs to the user of the miner.',
  },
  HOTKEY_IN_USE: {
    meaning: 'Another process on this host runs the hotkey; validators must find one miner, with one memory.',
    remedy: 'End the other process first (./start_miner.sh stop in its folder), or use another hotkey.',
  },
  WALLET_NOT_FOUND: {
    meaning: 'There is no hotkey file where the wallet settings point.',
    remedy: 'Check WALLET_PATH, WALLET_NAME and WALLET_HOTKEY, or create one with `btcli wallet new-hotkey`.',
  },
  WALLET_UNREADABLE: {
    meaning: 'The hotkey file exists but cannot be read.',
    remedy: 'Check the owner and the mode of the file (0600, owned by the user who runs the miner).',
  },
  WALLET_FORMAT: {
    meaning: 'The hotkey file is not one that can be used; the message says why.',
    remedy: 'Regenerate it from its words or its seed with `btcli wallet regen-hotkey`.',
  },
  WALLET_MISMATCH: {
    meaning: 'The secrets in the hotkey file do not belong to the address written beside them.',
    remedy: 'Regenerate the hotkey from its words with `btcli wallet regen-hotkey`.',
  },
  WALLET_PASSWORD_MISSING: {
    meaning: 'The hotkey file is encrypted and no password was given.',
    remedy: 'Set WALLET_PASSWORD_FILE, or the BT_PW_ variable that the message names.',
  },
  WALLET_PASSWORD_WRONG: {
    meaning: 'The password does not open the hotkey file.',
    remedy: 'Correct the password file or the BT_PW_ variable.',
  },
  WALLET_DEV_KEY_REFUSED: {
    meaning: 'A public development key was about to be used on a real network.',
    remedy: 'Use a hotkey of your own; development keys work with --dev only.',
  },
  CHAIN_UNREACHABLE: {
    meaning: 'No chain endpoint answers; the miner keeps trying.',
    remedy: 'Check CHAIN_ENDPOINT and the network; list several endpoints separated by commas.',
  },
  CHAIN_NODE_BEHIND: {
    meaning:
      'The newest block of the node is older than BLOCK_WATCHDOG_SECONDS, so nothing that it says is believed; the miner keeps trying.',
    remedy:
      'Wait until the node has synced, or list a second endpoint in CHAIN_ENDPOINT. If every node is said to be behind, the clock of this host is fast: check chronyc tracking.',
  },
  CHAIN_WRONG_NETWORK: {
    meaning: 'The endpoint serves another chain than the network asked for.',
    remedy:
      'Make NETWORK and CHAIN_ENDPOINT agree; for a chain of your own that was made anew, delete the file that the message names.',
  },
  CHAIN_CALL_FAILED: {
    meaning: 'The chain answered a call with an error or not in time.',
    remedy: 'Usually passes by itself; if it stays, try another endpoint.',
  },
  CHAIN_ENDPOINT_UNTRUSTED: {
    meaning:
      'The endpoint said what no node of a subtensor says, so it is left for the next, and nothing is signed for it; the miner keeps trying.',
    remedy:
      'Remove the endpoint from CHAIN_ENDPOINT, or list another one; if every endpoint is said to be so, update the miner.',
  },
  CHAIN_NOT_REGISTERED: {
    meaning: 'The hotkey is not registered on the subnet.',
    remedy: 'Register it with the btcli command that the message gives, or set ON_UNREGISTERED=wait.',
  },
  CHAIN_ANNOUNCE_REFUSED: {
    meaning: 'The chain refused to store the address of the axon; the message names the rule.',
    remedy: 'The miner retries; correct AXON_EXTERNAL_IP or AXON_EXTERNAL_PORT where the message says so.',
  },
  CHAIN_HOTKEY_CONTESTED: {
    meaning: 'The chain holds an address that was announced with this hotkey, but not by this miner.',
    remedy:
      'Stop the other miner, or give each host a hotkey of its own; a host that was moved needs nothing.',
  },
  CHAIN_NO_EXTERNAL_IP: {
    meaning: 'The public address of this host could not be found out.',
    remedy: 'Set AXON_EXTERNAL_IP to the address that validators can reach.',
  },
  MODEL_NOT_FOUND: {
    meaning: 'The model file or folder, or a file with weights of it, does not exist.',
    remedy: 'Check the model paths in the settings, and copy all files of the model.',
  },
  MODEL_UNREADABLE: {
    meaning: 'The ONNX file, or a file with its weights, cannot be loaded; the message says why.',
    remedy: 'Copy all files of the model again, or export it again as the message says.',
  },
  MODEL_JSON_INVALID: {
    meaning:
      'The model.json beside the model is not JSON, or has a wrong or unknown field; the message names each.',
    remedy: 'Correct the named fields; models/README.md has them all.',
  },
  MODEL_CONTRADICTION: {
    meaning:
      'What model.json, the ONNX file and the use of the model say cannot all be true; the message names both sides.',
    remedy: 'Correct the side that is wrong; model.json need not repeat what the ONNX file says.',
  },
  MODEL_INVALID: {
    meaning: 'The model takes or gives something that cannot be used, or leaves something open.',
    remedy:
      'Say in model.json what is open, or export the model with inputs and outputs as in models/README.md.',
  },
  MODEL_ANSWER_INVALID: {
    meaning: 'The model fails on the first picture that it is given, or its answer is no prediction.',
    remedy:
      'Run the same ONNX file in Python; where it answers there, check output.kind and input.size in model.json.',
  },
  MODEL_COPY_FAILED: {
    meaning: 'The files of the model could not be copied to STATE_DIR, from where the miner runs them.',
    remedy:
      'Make them readable for the user of the miner, and room in STATE_DIR: for the model once, for a change of it twice.',
  },
  MODEL_DEVICE_UNAVAILABLE: {
    meaning: 'DEVICE=cuda was asked for and CUDA cannot be used here.',
    remedy: 'Install the NVIDIA driver and run ./setup.sh --cuda, or set DEVICE=cpu or DEVICE=auto.',
  },
  MODEL_UNAVAILABLE: {
    status: 503,
    meaning:
      'The model worked or should work, and its process cannot be kept alive; it is retried every 30 seconds.',
    remedy: 'Check the memory of the host and of the GPU; the log holds the last words of the process.',
  },
  MODEL_WARMING: {
    status: 503,
    meaning: 'The model is still loading.',
    remedy: 'Wait; /readyz on the admin port says when it is done.',
  },
  AXON_PORT_IN_USE: {
    meaning: 'Another process listens on the port.',
    remedy: 'Stop it, or choose another AXON_PORT, ADMIN_PORT or DEVNET_PORT.',
  },
  AXON_ADDRESS_UNAVAILABLE: {
    meaning: 'AXON_IP is not an address of this host, or not yet.',
    remedy: 'Correct AXON_IP (0.0.0.0 is every address of this host), or bring up the network interface.',
  },
  AXON_NOT_FOUND: {
    status: 404,
    meaning: 'There is no such route on this type of miner.',
    remedy: 'Nothing: validators ask a miner for its type after a 404.',
  },
  AXON_METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'The route exists under another method.',
    remedy: 'Nothing.',
  },
  AXON_REQUEST_INVALID: {
    status: 400,
    meaning: 'The HTTP request itself is malformed.',
    remedy: 'Nothing: the caller is not a validator.',
  },
  AXON_VERSION_UNKNOWN: {
    status: 400,
    meaning: 'The request does not speak version 2 of Epistula, or comes from an SDK before 7.2.0.',
    remedy: 'Nothing: the caller is not a validator of this subnet.',
  },
  AXON_WRONG_RECEIVER: {
    status: 400,
    meaning: 'The request is signed for another hotkey.',
    remedy: 'Check that the axon on chain belongs to this hotkey.',
  },
  AXON_HEADER_INVALID: {
    status: 400,
    meaning: 'A header of the signed request is missing or malformed.',
    remedy: 'Nothing: the caller is not a validator of this subnet.',
  },
  AXON_STALE: {
    status: 400,
    meaning: 'The request is older than 8 seconds; a synapse, than 4 seconds and its timeout.',
    remedy: 'Check the clock of this host (chronyc tracking); if it is right, the caller is at fault.',
  },
  AXON_FUTURE: {
    status: 400,
    meaning: 'The request is dated too far in the future.',
    remedy: 'Check the clock of this host (chronyc tracking); if it is right, the caller is at fault.',
  },
  AXON_SIGNER_UNKNOWN: {
    status: 401,
    meaning: 'The caller is not registered on the subnet.',
    remedy: 'Nothing: only registered validators are served.',
  },
  AXON_SIGNER_STAKE: {
    status: 401,
    meaning: 'The caller has less stake than MIN_VALIDATOR_STAKE.',
    remedy: 'Lower MIN_VALIDATOR_STAKE on a network where validators have less.',
  },
  AXON_SIGNERS_UNKNOWN: {
    status: 503,
    meaning: 'The table of validators was never read from the chain, or too long ago.',
    remedy: 'Check the chain connection in /status, and CHAIN_ENDPOINT.',
  },
  AXON_SIGNATURE_MISMATCH: {
    status: 400,
    meaning: 'The signature does not fit the body and the headers.',
    remedy: 'Nothing: the request was altered or forged.',
  },
  AXON_REPLAY: {
    status: 400,
    meaning: 'The same signed request was already served.',
    remedy: 'Nothing: validators never send a request twice.',
  },
  AXON_REPLAY_UNKNOWN: {
    status: 503,
    meaning: 'The memory of served requests was lost, so this one could be a replay.',
    remedy: 'Passes by itself after FUTURE_TOLERANCE_MS; check the disk and the owner of STATE_DIR.',
  },
  AXON_SYNAPSE_INVALID: {
    status: 400,
    meaning: 'The body of a synapse request, or the hash of it, is not what its path asks for.',
    remedy: 'Compare the class of the caller with the one that the README shows.',
  },
  AXON_BODY_TOO_LARGE: {
    status: 413,
    meaning: 'The body is larger than BODY_LIMIT_MIB; a synapse, than 64 MiB.',
    remedy: 'Raise BODY_LIMIT_MIB if validators really send more.',
  },
  AXON_BODY_TIMEOUT: {
    status: 408,
    meaning: 'The body did not arrive in time.',
    remedy: 'Check the bandwidth of this host if validators are affected.',
  },
  AXON_BODY_ABORTED: {
    status: 400,
    meaning: 'The caller went away before the body was complete.',
    remedy: 'Check the network of this host if validators are affected.',
  },
  AXON_BUSY: {
    status: 503,
    meaning: 'Uploads or answers already take all the room there is, or too many requests are open.',
    remedy: 'Raise BODY_BUDGET_MIB if memory allows and validators are affected.',
  },
  AXON_RATE: {
    status: 429,
    meaning: 'One address sends more unsigned requests than are answered: 20 a second, after the first 400.',
    remedy: 'Nothing; if it is your own monitoring, let it ask less often.',
  },
  AXON_CLOSING: {
    status: 503,
    meaning: 'The miner is shutting down.',
    remedy: 'Nothing.',
  },
  AXON_INTERNAL: {
    status: 500,
    meaning: 'A fault of the miner itself.',
    remedy: 'Report it with the log line of the request.',
  },
  ADMISSION_QUEUE_FULL: {
    status: 503,
    meaning: 'More requests wait than can be answered.',
    remedy: 'Use a faster model or host, or a GPU.',
  },
  ADMISSION_DEADLINE: {
    status: 503,
    meaning: 'The answer could no longer arrive in time, so the work was dropped.',
    remedy: 'Use a faster model or host, or a GPU.',
  },
  ADMISSION_YIELDED: {
    status: 503,
    meaning: "The work took far longer than other callers' while their requests waited, so it was ended.",
    remedy: 'Nothing for a single caller; if it hits many validators, use a faster model or host, or a GPU.',
  },
  MEDIA_UNSUPPORTED: {
    status: 415,
    meaning: 'The body is not a kind of picture or video that is decoded here.',
    remedy: 'Nothing: the sender is at fault.',
  },
  MEDIA_UNDECODABLE: {
    status: 422,
    meaning: 'The picture or video is damaged.',
    remedy: 'Nothing: the sender is at fault.',
  },
  MEDIA_TOO_LARGE: {
    status: 413,
    meaning: 'The picture or video has more pixels than are decoded here.',
    remedy: 'Nothing: the sender is at fault.',
  },
  MEDIA_TIMEOUT: {
    status: 503,
    meaning: 'The picture or video could not be decoded in the time allowed.',
    remedy: 'Use a faster host; if only a few senders are affected, they are at fault.',
  },
  MEDIA_DECODER_MISSING: {
    status: 500,
    meaning: 'ffmpeg, ffprobe or prlimit is not installed.',
    remedy: 'Run ./setup.sh, or apt-get install ffmpeg util-linux.',
  },
  MEDIA_NO_SPACE: {
    status: 503,
    meaning: 'There is no room for temporary files.',
    remedy: 'Free space on /dev/shm or in the temporary folder.',
  },
  INFERENCE_CRASHED: {
    status: 500,
    meaning: 'The model process died twice on this input, which is refused for ten minutes.',
    remedy: 'Check the memory of the host and of the GPU; the log holds the last words of the process.',
  },
  INFERENCE_FAILED: {
    status: 500,
    meaning: 'The model gave an error, or something that is not a prediction.',
    remedy: 'Run the model on the same input by hand; the message has the words of ONNX Runtime.',
  },
  PROBE_UNANSWERED: {
    meaning: 'The miner that was probed did not answer in time.',
    remedy: 'Start it with ./start_miner.sh --dev, and give probe the same AXON_PORT.',
  },
  PM2_FAILED: {
    meaning: 'A command of pm2 failed; the message has its words.',
    remedy: 'Run the same command by hand; ./setup.sh --production installs pm2.',
  },
  PM2_PROCESS_CHANGED: {
    meaning:
      'While a start was being checked, something else started, ended or replaced the same miner under pm2.',
    remedy: 'Nothing was ended. Let the other start or stop end first, then run the same command again.',
  },
  DEVNET_INVALID_CONTROL: {
    meaning: 'A control call of the development chain has wrong parameters.',
    remedy: 'See the control table in the README.',
  },
  INTERNAL: {
    meaning: 'A fault of the miner itself.',
    remedy: 'Report it with the log.',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof DEFINITIONS;

/** All error codes with their HTTP status, meaning and remedy; the README's table is checked against it. */
export const ERROR_DEFINITIONS: Readonly<Record<ErrorCode, ErrorDefinition>> = DEFINITIONS;

interface MinerErrorOptions {
  readonly cause?: unknown;
  /** Values for the log line; never secrets. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** A failure with a stable code. `message` says what happened in this case; it may be shown to a caller. */
export class MinerError extends Error {
  override readonly name = 'MinerError';
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: MinerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }

  /** The HTTP status of the fault; 500 for one that was never meant to meet the wire. */
  get status(): number {
    return ERROR_DEFINITIONS[this.code].status ?? 500;
  }

  /** What the operator can do about it. */
  get remedy(): string {
    return ERROR_DEFINITIONS[this.code].remedy;
  }
}

/** Any thrown value as a coded error: coded ones pass, all others get `fallback`. */
export function asMinerError(error: unknown, fallback: ErrorCode): MinerError {
  if (error instanceof MinerError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new MinerError(fallback, message, { cause: error });
}
