import type { Fit } from '../media/frames.ts';
import type { InputContract, TensorSignature } from './contract.ts';
import type { ContractLedger } from './contract-ledger.ts';
import { INPUT_TYPES, type InputType, type Layout, type ModelJson, type Task } from './model-json.ts';
import { contradiction, describeTensor, unusable } from './model-refusals.ts';

type InputJson = NonNullable<ModelJson['input']>;

const DEFAULT_EDGE: Readonly<Record<Task, number>> = { image: 224, video: 224, mask: 512 };
const DEFAULT_FRAMES = 16;
/** Larger batches of pictures were measured to be no faster on a CPU and cost memory. */
const FRAMES_PER_RUN = 8;

/**
 * What goes into the model: `model.json` merged with the inputs that the ONNX file declares.
 * @param json undefined where there is no model.json: then the file has to be in the subnet's published format,
 *   uint8 pixels of 0 to 255
 * @throws MinerError MODEL_INVALID where the two contradict each other or leave something open
 */
export function mergeInput(
  json: ModelJson | undefined,
  task: Task,
  inputs: readonly TensorSignature[],
  ledger: ContractLedger,
): InputContract {
  settleTask(json, task, ledger);
  const said = json?.input ?? {};
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw unusable(`the ONNX file takes ${inputs.length} inputs; exactly one, the pixels, can be given`);
  }
  const name = ledger.settle('input.name', { said: undefined, declared: input.name }, input.name);
  const dtype = settleType(said, input, ledger);
  if (dtype !== 'uint8' && json?.input === undefined) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} takes ${dtype} and does not say how pixels are scaled: ` +
        'say it in model.json (input.scale, input.mean, input.std)',
    );
  }
  if (dtype === 'uint8' && (said.scale ?? said.mean ?? said.std) !== undefined) {
    throw contradiction(
      'model.json says scale, mean or std',
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
      `the ONNX input ${describeTensor(input)} has dimension C ${channels}`,
    );
  }
  const frames = settleFrames(said.frames, task, layout, sizeOf('T'), ledger);
  const batch = sizeOf('N');
  if (batch !== undefined && batch !== 1) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} has a fixed batch of ${batch}; it must be 1 or dynamic`,
    );
  }
  const fit = settleFit(said, task, { height: sizeOf('H'), width: sizeOf('W') }, ledger);
  const oneByOne = batch === 1 || fit.mode === 'native';
  return {
    name,
    layout,
    dtype,
    fit,
    frames,
    framesPerRun: layout.includes('T') ? frames : Math.min(frames, oneByOne ? 1 : FRAMES_PER_RUN),
    scale: ledger.settle('input.scale', { said: said.scale }, dtype === 'uint8' ? 1 : 1 / 255),
    mean: ledger.settle('input.mean', { said: said.mean }, [0, 0, 0]),
    std: ledger.settle('input.std', { said: said.std }, [1, 1, 1]),
  };
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
    throw unusable(`the ONNX input ${describeTensor(input)} is neither of ${INPUT_TYPES.join(', ')}`);
  }
  return ledger.settle('input.dtype', { said: said.dtype, declared, part: 'element type' }, declared);
}

function settleLayout(said: Layout | undefined, input: TensorSignature, ledger: ContractLedger): Layout {
  const declared = readLayout(input.shape);
  if (said === undefined && declared === undefined) {
    throw unusable(
      `the ONNX input ${describeTensor(input)} does not show where R, G, B are: say input.layout`,
    );
  }
  if (said !== undefined && input.shape.length !== 0 && input.shape.length !== said.length) {
    throw contradiction(`model.json says input.layout ${said}`, `the ONNX input is ${describeTensor(input)}`);
  }
  // Where several dimensions are 3, reading the layout is a guess, and model.json is not held to it.
  const guess = said === undefined ? declared : undefined;
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
  said: number | undefined,
  task: Task,
  layout: Layout,
  declared: number | undefined,
  ledger: ContractLedger,
): number {
  if (task === 'video') {
    return ledger.settle('input.frames', { said, declared, part: 'dimension T' }, DEFAULT_FRAMES);
  }
  if (layout.includes('T')) {
    throw contradiction(`the ONNX input is ${layout}, a clip`, `the model is used for ${task}`);
  }
  return ledger.settle('input.frames', { said: undefined }, 1);
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
      throw contradiction('model.json says input.size native', `input.fit ${said.fit}`);
    }
    ledger.settle('input.size', { said: said.size }, said.size);
    ledger.settle('input.fit', { said: undefined }, said.size);
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
  if (task === 'mask' && mode !== 'stretch') {
    throw unusable(
      `model.json says input.fit ${mode}; a mask has to cover the whole picture: stretch or native`,
    );
  }
  return { mode, height, width };
}
