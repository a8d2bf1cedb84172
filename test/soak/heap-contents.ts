import { setImmediate as turn } from 'node:timers/promises';
import { getHeapSnapshot, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What a heap holds, of that which a program can leak. */
export interface HeapContents {
  /**
   * Objects, arrays, strings, closures and numbers. What the engine keeps for itself is left out: compiled code, the
   * feedback it compiles from and the shapes of objects go on growing as long as functions become hot.
   */
  readonly dataBytes: number;
  /** How many there are of each constructor asked for; closures under `closure`. */
  readonly counts: Readonly<Record<string, number>>;
}

const ENGINE_KINDS = new Set(['code', 'hidden', 'object shape', 'synthetic']);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Collects garbage until what finalizers hold is gone too, and reads a snapshot of what is left.
 * @param names of constructors to count; only few, since what is returned is part of the next reading
 */
export async function readHeap(names: readonly string[]): Promise<HeapContents> {
  for (let round = 0; round < 4; round += 1) {
    collectGarbage();
    // Finalizers run in a task after the collection that found their object dead, and let go of more.
    await turn();
  }
  const parts: Buffer[] = [];
  for await (const part of getHeapSnapshot()) parts.push(part as Buffer);
  return summarize(JSON.parse(Buffer.concat(parts).toString('utf8')) as Snapshot, names);
}

interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: string[]; readonly node_types: [string[], ...unknown[]] };
  };
  readonly nodes: number[];
  readonly strings: string[];
}

function summarize({ snapshot, nodes, strings }: Snapshot, names: readonly string[]): HeapContents {
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [kindAt, nameAt, sizeAt] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field));
  const at = (index: number, offset: number | undefined): number => nodes[index + (offset ?? 0)] ?? 0;
  const counts: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
  let dataBytes = 0;
  for (let index = 0; index < nodes.length; index += fields.length) {
    const kind = types[0][at(index, kindAt)] ?? '';
    if (ENGINE_KINDS.has(kind)) continue;
    dataBytes += at(index, sizeAt);
    const name = kind === 'object' ? (strings[at(index, nameAt)] ?? '') : kind;
    const count = counts[name];
    if (count !== undefined) counts[name] = count + 1;
  }
  return { dataBytes, counts };
}
