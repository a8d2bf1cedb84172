import { MinerError } from '../errors.ts';

/** The room for answers, from before they are made until the sockets have taken them. */
export interface AnswerBudget {
  /**
   * Opens an account for one answer; `close()` it when the answer was taken or given up.
   * @param caller ss58 address of the validator that asks
   */
  open(caller: string): AnswerAccount;
  status(): { readonly bytes: number; readonly totalBytes: number };
}

export interface AnswerAccount {
  /**
   * Takes room for an answer of that many bytes.
   * @throws MinerError AXON_BUSY when all of it is taken, or when this caller has its half
   */
  charge(bytes: number): void;
  /** Gives all room back; harmless when repeated. */
  close(): void;
}

/**
 * A budget of which one caller gets at most half, so that whoever asks for large masks and does not read them leaves
 * room for the answers of others. No answer is held longer than its deadline, so a refusal passes by itself.
 * @param totalBytes at least twice the largest answer
 */
export function createAnswerBudget({ totalBytes }: { readonly totalBytes: number }): AnswerBudget {
  const held = new Map<string, number>();
  let bytesHeld = 0;

  function add(caller: string, bytes: number): void {
    const left = (held.get(caller) ?? 0) + bytes;
    if (left === 0) held.delete(caller);
    else held.set(caller, left);
    bytesHeld += bytes;
  }

  return {
    open(caller) {
      let charged = 0;
      return {
        charge(bytes) {
          if ((held.get(caller) ?? 0) + bytes > totalBytes / 2 || bytesHeld + bytes > totalBytes) {
            throw new MinerError('AXON_BUSY', 'answers already take all the room there is');
          }
          charged += bytes;
          add(caller, bytes);
        },
        close() {
          add(caller, -charged);
          charged = 0;
        },
      };
    },
    status: () => ({ bytes: bytesHeld, totalBytes }),
  };
}
