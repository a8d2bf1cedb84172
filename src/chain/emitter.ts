/** Events of the chain for the rest of the miner. Owned by chain.ts. */

type Listeners<Events> = { [Name in keyof Events]: Set<(event: Events[Name]) => void> };

export interface Emitter<Events> {
  /** Adds a listener. The returned function removes it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  /** Calls every listener. An error of one is reported, and does not reach the other listeners or the caller. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
  removeAll(): void;
}

/** A typed emitter whose listeners cannot break the code that emits. */
export function createEmitter<Events>(
  names: readonly (keyof Events)[],
  onListenerError: (error: unknown) => void,
): Emitter<Events> {
  const listeners = Object.fromEntries(names.map((name) => [name, new Set()])) as Listeners<Events>;
  return {
    on(name, listener) {
      listeners[name].add(listener);
      return () => {
        listeners[name].delete(listener);
      };
    },
    emit(name, event) {
      for (const listener of [...listeners[name]]) {
        try {
          listener(event);
        } catch (error) {
          onListenerError(error);
        }
      }
    },
    removeAll() {
      for (const name of names) listeners[name].clear();
    },
  };
}
