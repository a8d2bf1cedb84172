/** Counts the requests that are being served over all connections: in all, and for each network address. */
export interface OpenRequests {
  /** Counts one more request; undefined if there are too many. Call the returned function once, when the request is over. */
  enter(remoteAddress: string): (() => void) | undefined;
}

/** One network address has at most half, so that it does not shut out the others. */
const ADDRESS_RATIO = 0.5;

/** @param most requests at once, over all addresses */
export function createOpenRequests(most: number): OpenRequests {
  const open = new Map<string, number>();
  let total = 0;
  return {
    enter(remoteAddress) {
      const own = open.get(remoteAddress) ?? 0;
      if (total >= most || own >= most * ADDRESS_RATIO) return undefined;
      total++;
      open.set(remoteAddress, own + 1);
      return () => {
        total--;
        const left = (open.get(remoteAddress) ?? 1) - 1;
        if (left === 0) open.delete(remoteAddress);
        else open.set(remoteAddress, left);
      };
    },
  };
}
