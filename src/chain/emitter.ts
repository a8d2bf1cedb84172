type Listeners<Events> = { [Name in keyof Events]: Set<(event: Events[Name]) => void> };

export interface Emitter<Events> {
  /** Listens; the function that comes back ends it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  /** Tells every listener. One that throws is reported and does not keep the others, or the caller, from going on. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
  removeAll(): void;
}

/** A typed emitter whose listeners cannot break who emits. */
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
