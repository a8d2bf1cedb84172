import type { Origin } from './contract.ts';
import { contradiction } from './refusals.ts';

interface Statements<T> {
  /** What model.json says. */
  readonly said?: T | undefined;
  /** What the ONNX file says itself. */
  readonly declared?: T | undefined;
  /** The part of the ONNX file that says it, for the message of a contradiction. */
  readonly part?: string;
}

/** Settles the values of a contract one by one, and records where each comes from. */
export interface ContractLedger {
  readonly origins: Readonly<Record<string, Origin>>;
  /**
   * @param field its path in model.json
   * @param fallback the value if neither says anything
   * @throws MinerError MODEL_CONTRADICTION if the two differ; it names both
   */
  settle<T>(field: string, statements: Statements<T>, fallback: T): T;
}

export function createContractLedger(): ContractLedger {
  const origins: Record<string, Origin> = {};
  return {
    origins,
    settle(field, { said, declared, part }, fallback) {
      if (said !== undefined && declared !== undefined && said !== declared) {
        throw contradiction(
          `model.json says ${field} ${String(said)}`,
          `the ONNX file has ${part} ${String(declared)}`,
        );
      }
      origins[field] = said !== undefined ? 'model.json' : declared !== undefined ? 'ONNX' : 'default';
      return said ?? declared ?? fallback;
    },
  };
}
