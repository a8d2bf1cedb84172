import type { MinerError } from '../errors.ts';
import { NO_FIELDS_HASH } from './messages.ts';

/** The status and the words of an answer, as the SDK's axon chooses them. */
export interface SynapseStatus {
  readonly code: number;
  readonly message: string;
}

export const SUCCESS: SynapseStatus = { code: 200, message: 'Success' };

interface ReplyHeaderOptions {
  /** Name of the synapse class. */
  readonly name: string;
  readonly status: SynapseStatus;
  /** Well-formed headers of the request, which go back with the answer. */
  readonly echo: Readonly<Record<string, string>>;
  readonly axon: {
    readonly hotkey: string;
    readonly uuid: string;
    readonly version: number;
    readonly nonce: bigint;
  };
  readonly processTimeS: number;
  readonly bodyBytes: number;
}

/**
 * The headers that a dendrite reads from an answer. It copies the axon's status into its own, so without
 * `bt_header_axon_status_code` no answer is a success. Python's `int` and `float` can read all numbers; all text is
 * printable ASCII. No axon signature is sent: no dendrite looks at it, and signing costs time.
 */
export function replyHeaders(options: ReplyHeaderOptions): Record<string, string> {
  const { name, status, echo, axon, processTimeS, bodyBytes } = options;
  const headers: Record<string, string> = {
    timeout: '0.0',
    ...echo,
    name,
    bt_header_axon_status_code: String(status.code),
    bt_header_axon_status_message: status.message.replaceAll(/[^ -~]/g, '?').slice(0, 256),
    bt_header_axon_process_time: processTimeS.toFixed(6),
    bt_header_axon_version: String(axon.version),
    bt_header_axon_nonce: String(axon.nonce),
    bt_header_axon_uuid: axon.uuid,
    bt_header_axon_hotkey: axon.hotkey,
    computed_body_hash: NO_FIELDS_HASH,
  };
  const headerBytes = Object.entries(headers).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    0,
  );
  return { ...headers, header_size: String(headerBytes), total_size: String(headerBytes + bodyBytes) };
}

interface RefusalOptions {
  /** How long the caller waits, in milliseconds; undefined if it did not say. */
  readonly timeoutMs: number | undefined;
  /** Stands for the words of our own fault, which only the log has. */
  readonly errorId: string;
}

/** The refusal of a request in the words of the SDK, which has a form of its own for each reason. */
export function refusalStatus(error: MinerError, { timeoutMs, errorId }: RefusalOptions): SynapseStatus {
  switch (error.code) {
    case 'AXON_SIGNER_UNKNOWN':
    case 'AXON_SIGNER_STAKE':
      return { code: 403, message: `Forbidden. Key is blacklisted: ${error.message}.` };
    case 'AXON_VERSION_UNKNOWN':
    case 'AXON_WRONG_RECEIVER':
    case 'AXON_STALE':
    case 'AXON_FUTURE':
    case 'AXON_SIGNATURE_MISMATCH':
    case 'AXON_REPLAY':
      return { code: 401, message: `Not Verified with error: ${error.message}` };
    case 'ADMISSION_DEADLINE':
      return {
        code: 408,
        message:
          timeoutMs === undefined ? 'Response timeout' : `Response timeout after: ${timeoutMs / 1000}s`,
      };
    case 'AXON_SYNAPSE_INVALID':
      return { code: 500, message: `Internal Server Error #${errorId}` };
    default:
      return error.status === 500
        ? { code: 500, message: `Internal Server Error #${errorId}` }
        : { code: error.status, message: error.message };
  }
}

/** The refusal of a path that names an unknown synapse. */
export function unknownSynapse(name: string, known: readonly string[]): SynapseStatus {
  const list = known.map((one) => `'${one}'`).join(', ');
  return { code: 404, message: `Synapse name '${name}' not found. Available synapses [${list}]` };
}
