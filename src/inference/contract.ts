import { z } from 'zod';
import { MinerError } from '../errors.ts';
import type { Fit } from '../media/frames.ts';
import {
  type ClassName,
  INPUT_TYPES,
  type InputType,
  type Layout,
  type ModelJson,
  modelJsonSchema,
  type Task,
} from './model-json.ts';

/** A tensor as the ONNX file declares it; a string stands for a dimension known only when the model runs. */
export interface TensorSignature {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

/** How pictures become the model's input tensor. */
export interface InputContract {
  readonly name: string;
  readonly layout: Layout;
  readonly dtype: InputType;
  /** How media is brought to the size that the model takes. */
  readonly fit: Fit;
  /** Pictures in one request: 1, or how many frames are sampled from a clip. */
  readonly frames: number;
  /** Most frames in one run of a model without a time dimension; `frames` where it has one. */
  readonly framesPerRun: number;
  /** A float element is (pixel × scale − mean) / std; all three are the identity for uint8. */
  readonly scale: number;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** How the model's output tensor becomes an answer. */
export type OutputContract =
  | {
      readonly kind: 'logits' | 'probabilities' | 'sigmoid';
      readonly name: string;
      readonly classes: readonly ClassName[];
    }
  | {
      readonly kind: 'mask';
      readonly name: string;
      readonly activation: 'none' | 'sigmoid';
      readonly threshold: number;
    };

/** All that is needed to run a model, with nothing left open. */
export interface ModelContract {
  readonly task: Task;
  readonly input: InputContract;
  readonly output: OutputContract;
}

const DEFAULT_EDGE: Readonly<Record<Task, number>> = { image: 224, video: 224, mask: 512 };
const DEFAULT_FRAMES = 16;
/** Larger batches of pictures were measured to be no faster on a CPU and cost memory. */
const FRAMES_PER_RUN = 8;

const DEFAULT_CLASSES: Readonly<Record<number, readonly ClassName[]>> = {
  1: ['fake'],
  2: ['real', 'fake'],
  3: ['real', 'synthetic', 'semisynthetic'],
};

/**
 * The content of a `model.json`.
 * @throws MinerError MODEL_INVALID naming every wrong field
 */
export function parseModelJson(text: string): ModelJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`model.json is not JSON: ${String(error)}`);
  }
  const parsed = modelJsonSchema.safeParse(value);
  if (!parsed.success) throw invalid(`model.json is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

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
): InputContract {
  if (json?.task !== undefined && json.task !== task && !(json.task === 'image' && task === 'video')) {
    throw invalid(`model.json says task ${json.task}, and the model is used for ${task}`);
  }
  const said = json?.input ?? {};
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) {
    throw invalid(`the ONNX file takes ${inputs.length} inputs; exactly one, the pixels, can be given`);
  }
  const dtype = INPUT_TYPES.find((type) => type === input.type);
  if (dtype === undefined) {
    throw invalid(`the ONNX input ${describe(input)} is neither of ${INPUT_TYPES.join(', ')}`);
  }
  contradict('input.dtype', said.dtype, 'element type', dtype);
  if (dtype !== 'uint8' && json?.input === undefined) {
    throw invalid(
      `the ONNX input ${describe(input)} takes ${dtype} and does not say how pixels are scaled: ` +
        'say it in model.json (input.scale, input.mean, input.std)',
    );
  }
  if (dtype === 'uint8' && (said.scale ?? said.mean ?? said.std) !== undefined) {
    throw invalid(
      `model.json says scale, mean or std, and the ONNX input ${describe(input)} takes pixels as they are`,
    );
  }
  const layout = readLayout(said.layout, input);
  const sizeOf = (dimension: string): number | undefined => {
    const size = input.shape[layout.indexOf(dimension)];
    return typeof size === 'number' ? size : undefined;
  };
  contradict(`input.layout ${layout} has 3 channels: C`, 3, 'dimension C', sizeOf('C'));
  const frames = readFrames(said.frames, task, layout, sizeOf('T'));
  const batch = sizeOf('N');
  if (batch !== undefined && batch !== 1) {
    throw invalid(`the ONNX input ${describe(input)} has a fixed batch of ${batch}; it must be 1 or dynamic`);
  }
  const fit = readFit(said, task, sizeOf('H'), sizeOf('W'));
  const oneByOne = batch === 1 || fit.mode === 'native';
  return {
    name: input.name,
    layout,
    dtype,
    fit,
    frames,
    framesPerRun: layout.includes('T') ? frames : Math.min(frames, oneByOne ? 1 : FRAMES_PER_RUN),
    scale: said.scale ?? (dtype === 'uint8' ? 1 : 1 / 255),
    mean: said.mean ?? [0, 0, 0],
    std: said.std ?? [1, 1, 1],
  };
}

/**
 * The name of the output that is the answer.
 * @throws MinerError MODEL_INVALID where several are there and `model.json` names none, or one that isn't there
 */
export function chooseOutput(json: ModelJson | undefined, names: readonly string[]): string {
  const said = json?.output?.name;
  const chosen = said === undefined && names.length === 1 ? names[0] : names.find((name) => name === said);
  if (chosen === undefined) {
    const wish = said === undefined ? 'does not say which to use (output.name)' : `says output.name ${said}`;
    throw invalid(`the ONNX file has the outputs ${names.join(', ')}, and model.json ${wish}`);
  }
  return chosen;
}

/**
 * What comes out of the model: `model.json` merged with the output of a first run, whose shape has no open
 * dimension left, whatever the file declares.
 * @param batch pictures or clips that went into that run
 * @throws MinerError MODEL_INVALID where the two contradict each other
 */
export function mergeOutput(
  json: ModelJson | undefined,
  task: Task,
  output: { readonly name: string; readonly shape: readonly number[] },
  batch: number,
): OutputContract {
  const said = json?.output ?? {};
  const kind = said.kind ?? (task === 'mask' ? 'mask' : 'logits');
  if ((kind === 'mask') !== (task === 'mask')) {
    throw invalid(`model.json says output.kind ${kind}, and the model is used for ${task}`);
  }
  const { name } = output;
  if (kind === 'mask') {
    if (said.classes !== undefined) throw invalid('model.json says output.classes, and a mask has none');
    maskSize(output.shape);
    return { kind, name, activation: said.maskActivation ?? 'none', threshold: said.threshold ?? 0.5 };
  }
  if (said.maskActivation !== undefined || said.threshold !== undefined) {
    throw invalid(`model.json says output.maskActivation or output.threshold, and output.kind is ${kind}`);
  }
  const count = classCount(output.shape, batch);
  const classes = said.classes ?? DEFAULT_CLASSES[count];
  if (classes === undefined) {
    throw invalid(`the ONNX output ${name} has ${count} numbers for each input; 1, 2 or 3 are understood`);
  }
  contradict('output.classes has as many as', said.classes?.length, `output ${name} has numbers`, count);
  if (new Set(classes).size !== classes.length) {
    throw invalid(`model.json says output.classes ${classes.join(', ')}, which names one twice`);
  }
  if (classes.includes('fake') && classes.includes('synthetic')) {
    throw invalid(`model.json says output.classes ${classes.join(', ')}: a fake is counted as synthetic`);
  }
  if (kind === 'sigmoid' && count !== 1) {
    throw invalid(`output.kind sigmoid means one number, and the ONNX output ${name} has ${count}`);
  }
  if (kind === 'logits' && count === 1) {
    throw invalid(
      `the ONNX output ${name} is one number: say output.kind sigmoid or probabilities in model.json`,
    );
  }
  return { kind, name, classes };
}

/**
 * Height and width of a mask output: [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W].
 * @throws MinerError MODEL_INVALID for any other shape
 */
export function maskSize(shape: readonly number[]): { readonly height: number; readonly width: number } {
  const [a, b, c, d] = shape;
  const size =
    shape.length === 2
      ? [a, b]
      : shape.length === 3 && a === 1
        ? [b, c]
        : shape.length === 4 && a === 1 && b === 1
          ? [c, d]
          : shape.length === 4 && a === 1 && d === 1
            ? [b, c]
            : [];
  const [height, width] = size;
  if (height === undefined || width === undefined || height < 1 || width < 1) {
    throw invalid(
      `the ONNX output has shape [${shape.join(', ')}]; a mask is [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W]`,
    );
  }
  return { height, width };
}

/**
 * Numbers per picture or clip in an output [N, classes], or [N] or [classes] where the other is 1.
 * @throws MinerError MODEL_INVALID for any other shape
 */
export function classCount(shape: readonly number[], batch: number): number {
  const [first, second] = shape;
  if (shape.length === 2 && first === batch && second !== undefined) return second;
  if (shape.length === 1 && first === batch && batch > 1) return 1;
  if (shape.length === 1 && batch === 1 && first !== undefined) return first;
  throw invalid(
    `the ONNX output has shape [${shape.join(', ')}] for a batch of ${batch}; a detector gives [N, classes]`,
  );
}

function readLayout(said: Layout | undefined, input: TensorSignature): Layout {
  const { shape } = input;
  const read =
    shape.length === 4
      ? shape[1] === 3
        ? 'NCHW'
        : shape[3] === 3
          ? 'NHWC'
          : undefined
      : shape.length === 5
        ? shape[2] === 3
          ? 'NTCHW'
          : shape[4] === 3
            ? 'NTHWC'
            : shape[1] === 3
              ? 'NCTHW'
              : undefined
        : undefined;
  if (said === undefined) {
    if (read !== undefined) return read;
    throw invalid(`the ONNX input ${describe(input)} does not show where R, G, B are: say input.layout`);
  }
  if (shape.length !== 0 && shape.length !== said.length) {
    throw invalid(`model.json says input.layout ${said}, and the ONNX input is ${describe(input)}`);
  }
  return said;
}

function readFrames(
  said: number | undefined,
  task: Task,
  layout: Layout,
  declared: number | undefined,
): number {
  if (task === 'video') {
    contradict('input.frames', said, 'dimension T', declared);
    return said ?? declared ?? DEFAULT_FRAMES;
  }
  if (layout.includes('T'))
    throw invalid(`the ONNX input is ${layout}, a clip, and the model is used for ${task}`);
  return 1;
}

function readFit(
  said: NonNullable<ModelJson['input']>,
  task: Task,
  declaredHeight: number | undefined,
  declaredWidth: number | undefined,
): Fit {
  if (said.size === 'native') {
    if (declaredHeight !== undefined || declaredWidth !== undefined) {
      throw invalid(
        `model.json says input.size native, and the ONNX input takes ${declaredHeight ?? 'any'} × ${declaredWidth ?? 'any'}`,
      );
    }
    if (said.fit !== undefined) throw invalid(`model.json says input.size native and input.fit ${said.fit}`);
    return { mode: 'native' };
  }
  contradict('input.size.height', said.size?.height, 'dimension H', declaredHeight);
  contradict('input.size.width', said.size?.width, 'dimension W', declaredWidth);
  const mode = said.fit ?? (task === 'mask' ? 'stretch' : 'cover');
  if (task === 'mask' && mode !== 'stretch') {
    throw invalid(
      `model.json says input.fit ${mode}; a mask has to cover the whole picture: stretch or native`,
    );
  }
  return {
    mode,
    height: said.size?.height ?? declaredHeight ?? DEFAULT_EDGE[task],
    width: said.size?.width ?? declaredWidth ?? DEFAULT_EDGE[task],
  };
}

function contradict<T>(field: string, said: T | undefined, what: string, declared: T | undefined): void {
  if (said !== undefined && declared !== undefined && said !== declared) {
    throw invalid(
      `model.json says ${field} ${String(said)}, and the ONNX file has ${what} ${String(declared)}`,
    );
  }
}

function describe({ name, type, shape }: TensorSignature): string {
  return `${name} ${type}[${shape.join(', ')}]`;
}

function invalid(message: string): MinerError {
  return new MinerError('MODEL_INVALID', message);
}
