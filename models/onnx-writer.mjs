/**
 * Writes ONNX files without any dependency: the protobuf wire format of the few messages that a model needs.
 * Field numbers are those of onnx.proto. The same description always gives the same bytes.
 */

/** @typedef {'float32' | 'uint8' | 'int32' | 'int64' | 'bool' | 'float16'} ElementType */

/**
 * A constant tensor. `data` holds the values in row-major order.
 * @typedef {object} Constant
 * @property {string} name
 * @property {'float32' | 'int64'} type
 * @property {readonly number[]} shape
 * @property {ArrayLike<number>} data
 * @property {string} [file] keeps the values out of the model: the file beside it that holds them, as little-endian raw data
 */

/**
 * An input or output of the graph; a string in the shape is a dimension known only when the model runs.
 * @typedef {object} Port
 * @property {string} name
 * @property {ElementType} type
 * @property {readonly (number | string)[]} shape
 */

/**
 * One operation. An attribute's kind follows from its value: whole numbers are INT or INTS, `{ float }` and
 * `{ floats }` are FLOAT and FLOATS, a string is STRING.
 * @typedef {object} Node
 * @property {string} op
 * @property {readonly string[]} inputs
 * @property {readonly string[]} outputs
 * @property {Readonly<Record<string, Attribute>>} [attributes]
 */

/** @typedef {number | readonly number[] | string | { readonly float: number }} Attribute */

/**
 * @typedef {object} Graph
 * @property {string} name
 * @property {readonly Port[]} inputs
 * @property {readonly Port[]} outputs
 * @property {readonly Node[]} nodes
 * @property {readonly Constant[]} [constants]
 * @property {number} [irVersion] of the file format; 8 unless told
 * @property {number} [opset] version of the operations; 17 unless told
 */

const IR_VERSION = 8;
const OPSET_VERSION = 17;
const DATA_LOCATION_EXTERNAL = 1;

/** TensorProto.DataType. @type {Readonly<Record<ElementType, number>>} */
const ELEMENT_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 };

/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, ints: 7 };

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/**
 * The bytes of an `.onnx` file (ModelProto).
 * @param {Graph} graph
 * @returns {Buffer}
 */
export function encodeModel(graph) {
  return Buffer.concat([
    integer(1, graph.irVersion ?? IR_VERSION),
    text(2, 'sn34-miner'),
    message(7, encodeGraph(graph)),
    message(8, integer(2, graph.opset ?? OPSET_VERSION)),
  ]);
}

/** @param {Graph} graph */
function encodeGraph({ name, inputs, outputs, nodes, constants = [] }) {
  return Buffer.concat([
    ...nodes.map((node) => message(1, encodeNode(node))),
    text(2, name),
    ...constants.map((constant) => message(5, encodeConstant(constant))),
    ...inputs.map((port) => message(11, encodePort(port))),
    ...outputs.map((port) => message(12, encodePort(port))),
  ]);
}

/** @param {Node} node */
function encodeNode({ op, inputs, outputs, attributes = {} }) {
  return Buffer.concat([
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, `${op}:${outputs[0]}`),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, encodeAttribute(name, value))),
  ]);
}

/**
 * @param {string} name
 * @param {Attribute} value
 */
function encodeAttribute(name, value) {
  if (typeof value === 'string') {
    return Buffer.concat([text(1, name), text(4, value), integer(20, ATTRIBUTE_TYPES.string)]);
  }
  if (typeof value === 'number') {
    return Buffer.concat([text(1, name), integer(3, value), integer(20, ATTRIBUTE_TYPES.int)]);
  }
  if ('float' in value) {
    return Buffer.concat([text(1, name), float(2, value.float), integer(20, ATTRIBUTE_TYPES.float)]);
  }
  return Buffer.concat([
    text(1, name),
    ...value.map((each) => integer(8, each)),
    integer(20, ATTRIBUTE_TYPES.ints),
  ]);
}

/** @param {Constant} constant */
function encodeConstant({ name, type, shape, data, file }) {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== count) {
    throw new RangeError(`${name} has ${data.length} values and its shape asks for ${count}`);
  }
  const raw = encodeValues(type, data);
  return Buffer.concat([
    ...shape.map((size) => integer(1, size)),
    integer(2, ELEMENT_TYPES[type]),
    text(8, name),
    ...(file === undefined
      ? [message(9, raw)]
      : [
          message(13, Buffer.concat([text(1, 'location'), text(2, file)])),
          message(13, Buffer.concat([text(1, 'length'), text(2, String(raw.length))])),
          integer(14, DATA_LOCATION_EXTERNAL),
        ]),
  ]);
}

/**
 * Values as raw data: what a constant with a `file` expects in it.
 * @param {Constant['type']} type
 * @param {ArrayLike<number>} data
 */
export function encodeValues(type, data) {
  const raw = Buffer.alloc(data.length * (type === 'int64' ? 8 : 4));
  Array.from(data).forEach((value, index) => {
    if (type === 'int64') raw.writeBigInt64LE(BigInt(value), index * 8);
    else raw.writeFloatLE(value, index * 4);
  });
  return raw;
}

/** @param {Port} port */
function encodePort({ name, type, shape }) {
  const dimensions = shape.map((size) =>
    message(1, typeof size === 'string' ? text(2, size) : integer(1, size)),
  );
  const tensor = Buffer.concat([integer(1, ELEMENT_TYPES[type]), message(2, Buffer.concat(dimensions))]);
  return Buffer.concat([text(1, name), message(2, message(1, tensor))]);
}

/**
 * @param {number} field
 * @param {number} wireType
 */
function key(field, wireType) {
  return varint(BigInt(field * 8 + wireType));
}

/** @param {bigint} value non-negative, or negative in two's complement of 64 bits */
function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/**
 * @param {number} field
 * @param {number} value
 */
function integer(field, value) {
  return Buffer.concat([key(field, WIRE_VARINT), varint(BigInt(value))]);
}

/**
 * @param {number} field
 * @param {number} value
 */
function float(field, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, WIRE_FIXED32), bytes]);
}

/**
 * @param {number} field
 * @param {Buffer} bytes
 */
function message(field, bytes) {
  return Buffer.concat([key(field, WIRE_BYTES), varint(BigInt(bytes.length)), bytes]);
}

/**
 * @param {number} field
 * @param {string} value
 */
function text(field, value) {
  return message(field, Buffer.from(value, 'utf8'));
}
