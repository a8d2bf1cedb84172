import type { MinerError } from '../errors.ts';

/** How the kernel ends a process when memory runs out, as the supervisor says it. A crash has another signal. */
const KILLED = /^the model process .*\bwas killed by SIGKILL\b/;
/** What ONNX Runtime, the C++ library and CUDA say when they get no memory. */
const NO_MEMORY = /\bout of memory\b|\bbad_alloc\b|Failed to allocate memory|_ALLOC_FAILED\b/i;
/** Paths are the operator's words: a folder may be called anything. */
const PATHS = /\S*\/\S*/g;

/** Whether a model that could not be loaded, or kept alive, may work once another process has given its memory back. */
export function lacksMemory({ code, message }: MinerError): boolean {
  if (code === 'MODEL_UNAVAILABLE' && KILLED.test(message)) return true;
  return NO_MEMORY.test(message.replaceAll(PATHS, ''));
}
