/**
 * The fields of a struct or of an enum's case, named (`{ port: 'u16' }`) or unnamed (`['u16']`). Values are type
 * expressions.
 */
type Fields = Readonly<Record<string, string>> | readonly string[];

export interface Variant {
  readonly index: number;
  readonly fields?: Fields;
}

/** A named type. `path` is its Rust path in the metadata of the real runtime, `params` its generic parameters. */
export type TypeDefinition = {
  readonly path: string;
  readonly params?: Readonly<Record<string, string>>;
} & ({ readonly fields: Fields } | { readonly variants: Readonly<Record<string, Variant>> });

/** One row of the type registry in metadata (scale-info's `PortableType`, as JSON). */
interface PortableType {
  readonly id: number;
  readonly type: {
    readonly path: readonly string[];
    readonly params: readonly { readonly name: string; readonly type: number }[];
    readonly def: Readonly<Record<string, unknown>>;
  };
}

export interface TypeTable {
  /**
   * The id of a type expression. A new type is added with its parts. Expressions are written as in Rust: `u16`,
   * `Vec<Compact<u64>>`, `Option<T>`, `[u8; 32]`, `(u16, AccountId)`, `()`, or a defined name.
   *
   * @throws Error for an unknown type: a mistake in the definitions
   */
  idOf(expression: string): number;
  types(): readonly PortableType[];
}

const PRIMITIVES: Readonly<Record<string, string>> = {
  bool: 'Bool',
  str: 'Str',
  u8: 'U8',
  u16: 'U16',
  u32: 'U32',
  u64: 'U64',
  u128: 'U128',
  i128: 'I128',
};

/** `A, (B, C), [u8; 4]` at its top-level commas. */
function splitTopLevel(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [index, character] of [...list].entries()) {
    if ('<([{'.includes(character)) depth += 1;
    else if ('>)]}'.includes(character)) depth -= 1;
    else if (character === ',' && depth === 0) {
      parts.push(list.slice(start, index).trim());
      start = index + 1;
    }
  }
  const last = list.slice(start).trim();
  return last === '' ? parts : [...parts, last];
}

/** A table that numbers types in the order of their first use. */
export function createTypeTable(definitions: Readonly<Record<string, TypeDefinition>>): TypeTable {
  const idByExpression = new Map<string, number>();
  const types: PortableType[] = [];

  function fieldsOf(fields: Fields = []) {
    const entries: readonly (readonly [string | null, string])[] = Array.isArray(fields)
      ? fields.map((expression: string) => [null, expression] as const)
      : Object.entries(fields);
    return entries.map(([name, expression]) => ({ name, type: idOf(expression), typeName: expression }));
  }

  function ofDefinition(definition: TypeDefinition): PortableType['type'] {
    const path = definition.path.split('::');
    const params = Object.entries(definition.params ?? {}).map(([name, expression]) => ({
      name,
      type: idOf(expression),
    }));
    if ('fields' in definition) {
      return { path, params, def: { Composite: { fields: fieldsOf(definition.fields) } } };
    }
    const variants = Object.entries(definition.variants).map(([name, { index, fields }]) => ({
      name,
      index,
      fields: fieldsOf(fields),
    }));
    return { path, params, def: { Variant: { variants } } };
  }

  function ofGeneric(name: string, argument: string): PortableType['type'] | undefined {
    if (name === 'Vec') return { path: [], params: [], def: { Sequence: { type: idOf(argument) } } };
    if (name === 'Compact') return { path: [], params: [], def: { Compact: { type: idOf(argument) } } };
    if (name !== 'Option') return undefined;
    const type = idOf(argument);
    const some = { name: 'Some', index: 1, fields: [{ name: null, type, typeName: null }] };
    const variants = [{ name: 'None', index: 0, fields: [] }, some];
    return { path: ['Option'], params: [{ name: 'T', type }], def: { Variant: { variants } } };
  }

  function ofExpression(expression: string): PortableType['type'] {
    const primitive = PRIMITIVES[expression];
    if (primitive !== undefined) return { path: [], params: [], def: { Primitive: primitive } };
    const definition = definitions[expression];
    if (definition !== undefined) return ofDefinition(definition);
    if (expression.startsWith('(')) {
      return { path: [], params: [], def: { Tuple: splitTopLevel(expression.slice(1, -1)).map(idOf) } };
    }
    const array = /^\[(.+); (\d+)\]$/.exec(expression);
    if (array?.[1] !== undefined) {
      return { path: [], params: [], def: { Array: { type: idOf(array[1]), len: Number(array[2]) } } };
    }
    const generic = /^(\w+)<(.+)>$/.exec(expression);
    const type = generic?.[1] && generic[2] ? ofGeneric(generic[1], generic[2]) : undefined;
    if (type === undefined) throw new Error(`no such type: ${expression}`);
    return type;
  }

  function idOf(expression: string): number {
    const known = idByExpression.get(expression);
    if (known !== undefined) return known;
    const id = types.length;
    // The row is reserved before its parts are numbered, so that ids have no gaps and a type may refer to itself.
    idByExpression.set(expression, id);
    types.push({ id, type: { path: [], params: [], def: {} } });
    types[id] = { id, type: ofExpression(expression) };
    return id;
  }

  return { idOf, types: () => types };
}
