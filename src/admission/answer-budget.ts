// The room for answers, from before they are made until the sockets have taken them.
// The assembly makes it; routes.ts opens an account for each answer.
import { MinerError } from '../errors.ts';

export interface AnswerBudget {
  /**
   * Opens an account for one answer; `close()` it when the answer was taken or given up.
   * @param caller hotkey of the caller
   */
  open(caller: string): AnswerAccount;
  status(): { readonly bytes: number; readonly totalBytes: number };
}

export interface AnswerAccount {
  /**
   * Takes room for an answer.
   * @throws MinerError AXON_BUSY if all room is taken, or if this caller has its half
   */
  charge(bytes: number): void;
  /** Gives all room back; harmless when repeated. */
  close(): void;
}

/**
 * One caller gets at most half of the room, so that a caller that asks for large masks and does not read them leaves room
 * for the answers of others. No answer is held past its deadline, so the room comes back by itself.
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
            throw new MinerError('AXON_BUSY', 'there is no room for another answer');
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
