import { describe, expect, it } from 'vitest';
import { type ErrorCode, MinerError } from '../../src/errors.ts';
import { refusalStatus, replyHeaders, SUCCESS, unknownSynapse } from '../../src/synapse/replies.ts';
import { BOB } from '../fixtures/validator.ts';

const AXON = { hotkey: BOB, uuid: '5f3b1c0a-2431-11f0-9c1d-0242ac120002', version: 9_003_000, nonce: 17n };

describe('the headers of an answer', () => {
  it('the headers of an answer give back those of the dendrite and add those of the axon', () => {
    const echo = { name: 'ImageSynapse', timeout: '9.0', bt_header_dendrite_nonce: '1745850000123456789' };
    const headers = replyHeaders({
      name: 'ImageSynapse',
      status: SUCCESS,
      echo,
      axon: AXON,
      processTimeS: 0.0625,
      bodyBytes: 1_000,
    });
    expect(headers).toMatchObject({
      ...echo,
      bt_header_axon_status_code: '200',
      bt_header_axon_status_message: 'Success',
      bt_header_axon_process_time: '0.062500',
      bt_header_axon_version: '9003000',
      bt_header_axon_nonce: '17',
      bt_header_axon_uuid: AXON.uuid,
      bt_header_axon_hotkey: BOB,
      computed_body_hash: 'a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a',
    });
    expect(Number(headers.total_size) - Number(headers.header_size)).toBe(1_000);
  });

  it('the headers of an answer are printable ASCII whatever the message is', () => {
    const status = { code: 413, message: `4 × 4\r\nInjected: ${'x'.repeat(1_000)}` };
    const { bt_header_axon_status_message: text } = replyHeaders({
      name: 'ImageSynapse',
      status,
      echo: {},
      axon: AXON,
      processTimeS: 0,
      bodyBytes: 0,
    });
    expect(text).toMatch(/^4 \? 4\?\?Injected: x+$/);
    expect(text).toHaveLength(256);
  });
});

describe('a refusal', () => {
  const errorId = '00000000-0000-4000-8000-000000000000';
  it.each<[ErrorCode, number, string]>([
    ['AXON_SIGNER_UNKNOWN', 403, 'Forbidden. Key is blacklisted: why.'],
    ['AXON_SIGNER_STAKE', 403, 'Forbidden. Key is blacklisted: why.'],
    ['AXON_SIGNATURE_MISMATCH', 401, 'Not Verified with error: why'],
    ['AXON_STALE', 401, 'Not Verified with error: why'],
    ['AXON_FUTURE', 401, 'Not Verified with error: why'],
    ['AXON_REPLAY', 401, 'Not Verified with error: why'],
    ['AXON_VERSION_UNKNOWN', 401, 'Not Verified with error: why'],
    ['AXON_WRONG_RECEIVER', 401, 'Not Verified with error: why'],
    ['AXON_HEADER_INVALID', 400, 'why'],
    ['AXON_REPLAY_UNKNOWN', 503, 'why'],
    ['MODEL_WARMING', 503, 'why'],
    ['MEDIA_TOO_LARGE', 413, 'why'],
    ['ADMISSION_DEADLINE', 408, 'Response timeout after: 9s'],
    ['AXON_SYNAPSE_INVALID', 500, `Internal Server Error #${errorId}`],
    ['INFERENCE_FAILED', 500, `Internal Server Error #${errorId}`],
  ])('a refusal for %s has the status and the words of the SDK', (code, status, message) => {
    const error = new MinerError(code, 'why');
    expect(refusalStatus(error, { timeoutMs: 9_000, errorId })).toEqual({ code: status, message });
  });

  it('a refusal of an unknown name lists the known ones as Python does', () => {
    expect(unknownSynapse('AudioSynapse', ['ImageSynapse', 'VideoSynapse'])).toEqual({
      code: 404,
      message: "Synapse name 'AudioSynapse' not found. Available synapses ['ImageSynapse', 'VideoSynapse']",
    });
  });
});
