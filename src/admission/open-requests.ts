/** Counts the requests that are being worked on, over all connections, in all and for each address. */
export interface OpenRequests {
  /** Counts one more; undefined if there are too many. Call what it returns, once, when the request is over. */
  enter(address: string): (() => void) | undefined;
}

/** One address has at most half, so that it does not shut out the others. */
const ADDRESS_RATIO = 0.5;

/** @param most requests at once, over all addresses */
export function createOpenRequests(most: number): OpenRequests {
  const open = new Map<string, number>();
  let total = 0;
  return {
    enter(address) {
      const own = open.get(address) ?? 0;
      if (total >= most || own >= most * ADDRESS_RATIO) return undefined;
      total++;
      open.set(address, own + 1);
      return () => {
        total--;
        const left = (open.get(address) ?? 1) - 1;
        if (left === 0) open.delete(address);
        else open.set(address, left);
      };
    },
  };
}
