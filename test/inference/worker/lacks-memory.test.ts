import { expect, it } from 'vitest';
import { type ErrorCode, MinerError } from '../../../src/errors.ts';
import { lacksMemory } from '../../../src/inference/worker/supervisor.ts';

it.each<[ErrorCode, string]>([
  ['MODEL_UNAVAILABLE', 'the model process died 5 times in a row: it was killed by SIGKILL'],
  ['MODEL_UNAVAILABLE', 'the model process was killed by SIGKILL while it loaded'],
  ['MODEL_DEVICE_UNAVAILABLE', 'models/a: CUDA cannot be used: CUDA failure 2: out of memory ; GPU=0'],
  ['MODEL_UNREADABLE', 'models/a: cannot be loaded (ONNX Runtime: std::bad_alloc)'],
  ['MODEL_UNREADABLE', 'models/a: Failed to allocate memory for requested buffer of size 4294967296'],
  ['MODEL_UNREADABLE', 'models/a: CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED'],
])('%s may come from a lack of memory: %s', (code, message) => {
  expect(lacksMemory(new MinerError(code, message))).toBe(true);
});

it.each<[ErrorCode, string]>([
  ['MODEL_UNAVAILABLE', 'the model process died 5 times in a row: it was killed by SIGSEGV'],
  ['MODEL_UNAVAILABLE', 'the model process died 5 times in a row: it did not answer within 60000 ms'],
  ['MODEL_UNAVAILABLE', 'the model process died 5 times in a row: it exited with status 1'],
  ['MODEL_NOT_FOUND', 'there is no /data/alloc/model.onnx'],
  ['MODEL_UNREADABLE', '/data/bad_alloc/model: the ONNX file is cut short'],
  ['MODEL_UNREADABLE', '/data/out of memory/model: the ONNX file is cut short'],
  ['MODEL_DEVICE_UNAVAILABLE', 'models/a: no CUDA-capable device is detected'],
])('%s does not come from a lack of memory: %s', (code, message) => {
  expect(lacksMemory(new MinerError(code, message))).toBe(false);
});
