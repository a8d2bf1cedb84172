import { describe, expect, it } from 'vitest';
import { ERROR_DEFINITIONS, type ErrorCode } from '../../src/errors.ts';
import { EXIT_CODES, exitCodeOf } from '../../src/miner/exit-codes.ts';

describe('the exit codes', () => {
  it.each([
    ['CONFIG_INVALID', 10],
    ['WALLET_MISMATCH', 11],
    ['CHAIN_NOT_REGISTERED', 12],
    ['MODEL_NOT_FOUND', 13],
    ['MODEL_UNREADABLE', 13],
    ['MODEL_CONTRADICTION', 13],
    ['AXON_PORT_IN_USE', 14],
    ['CHAIN_WRONG_NETWORK', 15],
    ['WALLET_DEV_KEY_REFUSED', 15],
    ['HOTKEY_IN_USE', 16],
    ['STATE_DIR_UNUSABLE', 10],
    ['CONFIG_INSTANCE_TAKEN', 10],
    ['AXON_ADDRESS_UNAVAILABLE', 1],
    ['CHAIN_UNREACHABLE', 1],
    ['INTERNAL', 1],
  ] as const)('%s ends the process with exit code %i', (code, exitCode) => {
    expect(exitCodeOf(code)).toBe(exitCode);
  });

  it('the exit codes of all errors are those of the table', () => {
    const known: readonly number[] = Object.values(EXIT_CODES);
    expect(new Set(known).size).toBe(known.length);
    for (const code of Object.keys(ERROR_DEFINITIONS)) {
      const exitCode = exitCodeOf(code as ErrorCode);
      expect(known).toContain(exitCode);
      expect([EXIT_CODES.ok, EXIT_CODES.forced]).not.toContain(exitCode);
    }
  });
});
