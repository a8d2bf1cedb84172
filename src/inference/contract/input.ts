import type { Fit } from '../../media/frames.ts';
import { FRAMES_LIMIT_BYTES } from '../../media/limits.ts';
import type { InputContract, TensorSignature } from './contract.ts';
import type { ContractLedger } from './ledger.ts';
import {
  EDGE_LIMIT_PIXELS,
  FRAMES_LIMIT,
  INPUT_TYPES,
  type InputType,
  LAYOUTS,
  type Layout,
  type ModelJson,
  type Task,
} from './model-json.ts';
import { contradiction, describeTensor, unusable, wrongJson } from './refusals.ts';

type InputJson = NonNullable<ModelJson['input']>;

const DEFAULT_EDGE: Readonly<Record<Task, number>> = { image: 224, video: 224, mask: 512 };
const DEFAULT_FRAMES = 16;
/** Larger batches were measured on a CPU: they are no faster, and need more memory. */
const FRAMES_PER_RUN = 8;

/**
 * What goes into the model: `model.json` merged with the inputs that the ONNX file declares.
 * @param json undefined if there is no model.json; then the file must have the format that the subnet publishes, uint8 pixels
 *   of 0 to 255
 * @throws MinerError MODEL_CONTRADICTION, and MODEL_INVALID if the input cannot be served or is not fully described
 */
export function mergeInput(
  json: ModelJson | undefined,
  task: Task,
  inputs: readonly TensorSignature[],
  ledger: ContractLedger,
): InputContract {
  settleTask(json, task, ledger);
  const said = json?.input ?? {};
  const input = requireOne(inputs);
  const name = ledger.settle(
    'input.name',
    { said: said.name, declared: input.name, part: 'the input named' },
    input.name,
  );
  const dtype = settleType(said, input, ledger);
  if (dtype !== 'uint8' && json?.input === undefined) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} takes ${dtype} and does not say how pixels are scaled: ` +
        'set it in model.json (input.scale, input.mean, input.std)',
    );
  }
  const scaling = (['scale', 'mean', 'std'] as const).filter((field) => said[field] !== undefined);
  if (dtype === 'uint8' && scaling.length > 0) {
    throw contradiction(
      `model.json says ${scaling.map((field) => `input.${field}`).join(', ')}`,
      `the ONNX input ${describeTensor(input)} takes pixels as they are`,
    );
  }
  const layout = settleLayout(said.layout, input, ledger);
  const sizeOf = (dimension: string): number | undefined => {
    const size = input.shape[layout.indexOf(dimension)];
    return typeof size === 'number' ? size : undefined;
  };
  const channels = sizeOf('C');
  if (channels !== undefined && channels !== 3) {
    throw contradiction(
      `model.json says input.layout ${layout}, which has 3 channels at C`,
      `the ONNX input ${describeTensor(input)} has ${channels} there`,
    );
  }
  const { frames, frameStride } = settleFrames(said, task, layout, sizeOf('T'), ledger);
  const batch = sizeOf('N');
  if (batch !== undefined && batch !== 1) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} has a fixed batch of ${batch}: export it with a batch of 1 or a dynamic one`,
    );
  }
  const fit = settleFit(said, task, { height: sizeOf('H'), width: sizeOf('W') }, ledger);
  requireRoom(fit, frames);
  const oneByOne = batch === 1 || fit.mode === 'native';
  return {
    name,
    layout,
    dtype,
    fit,
    frames,
    frameStride,
    framesPerRun: layout.includes('T') ? frames : Math.min(frames, oneByOne ? 1 : FRAMES_PER_RUN),
    scale: ledger.settle('input.scale', { said: said.scale }, dtype === 'uint8' ? 1 : 1 / 255),
    mean: ledger.settle('input.mean', { said: said.mean }, [0, 0, 0]),
    std: ledger.settle('input.std', { said: said.std }, [1, 1, 1]),
  };
}

function requireOne(inputs: readonly TensorSignature[]): TensorSignature {
  const [input] = inputs;
  if (input !== undefined && inputs.length === 1) return input;
  const list = inputs.length === 0 ? '' : ` (${inputs.map(describeTensor).join(', ')})`;
  throw unusable(
    `the ONNX file takes ${inputs.length} inputs${list}: export it with exactly one, the pixels`,
  );
}

function settleTask(json: ModelJson | undefined, task: Task, ledger: ContractLedger): void {
  if (json?.task !== undefined && json.task !== task && !(json.task === 'image' && task === 'video')) {
    throw contradiction(`model.json says task ${json.task}`, `the model is used for ${task}`);
  }
  ledger.settle('task', { said: json?.task }, task);
}

function settleType(said: InputJson, input: TensorSignature, ledger: ContractLedger): InputType {
  const declared = INPUT_TYPES.find((type) => type === input.type);
  if (declared === undefined) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} has none of the types ${INPUT_TYPES.join(', ')}: ` +
        'export it with one of them and a cast behind it',
    );
  }
  return ledger.settle('input.dtype', { said: said.dtype, declared, part: 'element type' }, declared);
}

function settleLayout(said: Layout | undefined, input: TensorSignature, ledger: ContractLedger): Layout {
  const rank = input.shape.length;
  if (rank !== 4 && rank !== 5) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} has ${rank} dimensions: export it in one of the layouts ${LAYOUTS.join(', ')}`,
    );
  }
  const read = readLayout(input.shape);
  if (said === undefined && read === undefined) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} does not show which dimension holds R, G, B: set input.layout in model.json`,
    );
  }
  if (said !== undefined && rank !== said.length) {
    throw contradiction(
      `model.json says input.layout ${said}, which has ${said.length} dimensions`,
      `the ONNX input ${describeTensor(input)} has ${rank}`,
    );
  }
  // If several dimensions are 3, the layout in the file is a guess, so model.json may say another.
  const guess = said === undefined ? read : undefined;
  return ledger.settle('input.layout', { said, declared: guess }, said ?? 'NCHW');
}

/** The layout that a dimension of size 3 shows. */
function readLayout(shape: TensorSignature['shape']): Layout | undefined {
  if (shape.length === 4) {
    if (shape[1] === 3) return 'NCHW';
    return shape[3] === 3 ? 'NHWC' : undefined;
  }
  if (shape.length !== 5) return undefined;
  if (shape[2] === 3) return 'NTCHW';
  if (shape[4] === 3) return 'NTHWC';
  return shape[1] === 3 ? 'NCTHW' : undefined;
}

function settleFrames(
  said: InputJson,
  task: Task,
  layout: Layout,
  declared: number | undefined,
  ledger: ContractLedger,
): Pick<InputContract, 'frames' | 'frameStride'> {
  if (task !== 'video') {
    if (layout.includes('T')) {
      throw contradiction(`the ONNX input is ${layout}, a clip`, `the model is used for ${task}`);
    }
    const field = said.frames === undefined ? 'frameStride' : 'frames';
    if (task === 'mask' && said[field] !== undefined) {
      throw contradiction(`model.json says input.${field}`, 'a mask is of one picture');
    }
    // A model of pictures may have settings for clips and still be used for pictures.
    return { frames: ledger.settle('input.frames', {}, 1), frameStride: 'even' };
  }
  const frames = ledger.settle(
    'input.frames',
    { said: said.frames, declared, part: 'dimension T' },
    DEFAULT_FRAMES,
  );
  if (frames < 1 || frames > FRAMES_LIMIT) {
    throw unusable(`the ONNX input takes clips of ${frames} frames: export it for 1 to ${FRAMES_LIMIT}`);
  }
  return { frames, frameStride: ledger.settle('input.frameStride', { said: said.frameStride }, 'even') };
}

function settleFit(
  said: InputJson,
  task: Task,
  declared: { readonly height: number | undefined; readonly width: number | undefined },
  ledger: ContractLedger,
): Fit {
  if (said.size === 'native') {
    if (declared.height !== undefined || declared.width !== undefined) {
      throw contradiction(
        'model.json says input.size native',
        `the ONNX input takes ${declared.height ?? 'any'} × ${declared.width ?? 'any'}`,
      );
    }
    if (said.fit !== undefined) {
      throw wrongJson(
        `model.json says input.size native, which keeps the size of pictures, and input.fit ${said.fit}`,
      );
    }
    ledger.settle('input.size', { said: said.size }, said.size);
    ledger.settle('input.fit', {}, said.size);
    return { mode: 'native' };
  }
  const edge = (side: 'height' | 'width', part: string): number =>
    ledger.settle(
      `input.size.${side}`,
      { said: said.size === 'native' ? undefined : said.size?.[side], declared: declared[side], part },
      DEFAULT_EDGE[task],
    );
  const [height, width] = [edge('height', 'dimension H'), edge('width', 'dimension W')];
  const mode = ledger.settle('input.fit', { said: said.fit }, task === 'mask' ? 'stretch' : 'cover');
  return { mode, height, width };
}

/** A size that is refused here would be refused in every request. */
function requireRoom(fit: Fit, frames: number): void {
  if (fit.mode === 'native') return;
  const { height, width } = fit;
  const tooLarge =
    Math.max(height, width) > EDGE_LIMIT_PIXELS || frames * height * width * 3 > FRAMES_LIMIT_BYTES;
  if (Math.min(height, width) < 1 || tooLarge) {
    throw unusable(
      `the model takes ${frames} × ${height} × ${width} pixels: export it for sides of 1 to ${EDGE_LIMIT_PIXELS} ` +
        `and at most ${FRAMES_LIMIT_BYTES / 3} pixels in all`,
    );
  }
}
