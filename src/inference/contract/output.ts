import type { ClassesContract, MaskContract, OutputContract } from './contract.ts';
import type { ContractLedger } from './ledger.ts';
import type { ClassName, MaskActivation, ModelJson, Task } from './model-json.ts';
import { contradiction, unusable, wrongJson } from './refusals.ts';

type OutputJson = NonNullable<ModelJson['output']>;

const DEFAULT_CLASSES: Readonly<Record<number, readonly ClassName[]>> = {
  1: ['fake'],
  2: ['real', 'fake'],
  3: ['real', 'synthetic', 'semisynthetic'],
};
const CLASSES_FIELDS = ['classes', 'temperature', 'decision'] as const;
const MASK_FIELDS = ['maskActivation', 'maskResize', 'mask', 'threshold'] as const;

/** The output of the first run. All its dimensions are known, whatever the file declares. */
export interface FirstOutput {
  readonly name: string;
  readonly shape: readonly number[];
  /** Pictures or clips that went into the run. */
  readonly batch: number;
}

/**
 * The name of the output that is the answer.
 * @throws MinerError MODEL_INVALID if there are several and `model.json` names none, MODEL_CONTRADICTION if it names one
 *   that is not there
 */
export function chooseOutput(
  json: ModelJson | undefined,
  names: readonly string[],
  ledger: ContractLedger,
): string {
  const said = json?.output?.name;
  const [only] = names;
  if (only === undefined) throw unusable('the ONNX file has no output: export it with one, the answer');
  if (said === undefined && names.length > 1) {
    throw unusable(
      `the ONNX file has the outputs ${names.join(', ')}: name the answer in model.json (output.name)`,
    );
  }
  if (said !== undefined && !names.includes(said)) {
    throw contradiction(
      `model.json says output.name ${said}`,
      `the ONNX file has the outputs ${names.join(', ')}`,
    );
  }
  return ledger.settle('output.name', { said, declared: said ?? only }, only);
}

/**
 * What comes out of the model: `model.json` merged with the output of a first run.
 * @throws MinerError MODEL_CONTRADICTION, MODEL_JSON_INVALID, and MODEL_INVALID for an output that cannot become an answer
 */
export function mergeOutput(
  json: ModelJson | undefined,
  task: Task,
  output: FirstOutput,
  ledger: ContractLedger,
): OutputContract {
  const said = json?.output ?? {};
  const kind = ledger.settle('output.kind', { said: said.kind }, task === 'mask' ? 'mask' : 'logits');
  if ((kind === 'mask') !== (task === 'mask')) {
    throw contradiction(`model.json says output.kind ${kind}`, `the model is used for ${task}`);
  }
  const foreign = (kind === 'mask' ? CLASSES_FIELDS : MASK_FIELDS).filter(
    (field) => said[field] !== undefined,
  );
  if (foreign.length > 0) {
    throw contradiction(
      `model.json says ${foreign.map((field) => `output.${field}`).join(', ')}`,
      `output.kind is ${kind}, which does not use it`,
    );
  }
  return kind === 'mask' ? mergeMask(said, output, ledger) : mergeClasses(said, kind, output, ledger);
}

function mergeMask(said: OutputJson, { name, shape }: FirstOutput, ledger: ContractLedger): MaskContract {
  const activation = ledger.settle('output.maskActivation', { said: said.maskActivation }, 'none');
  locateMask(shape, activation);
  const resize = ledger.settle('output.maskResize', { said: said.maskResize }, 'bilinear');
  const mode = ledger.settle('output.mask', { said: said.mask }, 'hard');
  if (mode === 'soft') {
    if (said.threshold !== undefined) {
      throw wrongJson('model.json says output.mask soft and output.threshold; a soft mask has no threshold');
    }
    return { kind: 'mask', name, activation, resize, hardness: { mode } };
  }
  const threshold = ledger.settle('output.threshold', { said: said.threshold }, 0.5);
  return { kind: 'mask', name, activation, resize, hardness: { mode, threshold } };
}

function mergeClasses(
  said: OutputJson,
  kind: ClassesContract['kind'],
  { name, shape, batch }: FirstOutput,
  ledger: ContractLedger,
): ClassesContract {
  const count = classCount(shape, batch);
  if (kind === 'sigmoid' && count !== 1) {
    throw contradiction(
      'model.json says output.kind sigmoid, which is one number',
      `the ONNX output ${name} has ${count}`,
    );
  }
  if (kind === 'logits' && count === 1) {
    throw unusable(
      `the ONNX output ${name} is one number: set output.kind sigmoid or probabilities in model.json`,
    );
  }
  if (kind === 'probabilities' && said.temperature !== undefined) {
    throw contradiction('model.json says output.temperature, which is for logits', `output.kind ${kind}`);
  }
  return {
    kind,
    name,
    classes: settleClasses(said.classes, name, count, ledger),
    temperature: ledger.settle('output.temperature', { said: said.temperature }, 1),
    decision: ledger.settle('output.decision', { said: said.decision }, 'argmax'),
  };
}

function settleClasses(
  said: readonly ClassName[] | undefined,
  name: string,
  count: number,
  ledger: ContractLedger,
): readonly ClassName[] {
  const words = `model.json says output.classes ${said?.join(', ')}`;
  if (said !== undefined && said.length !== count) {
    throw contradiction(
      `${words}, which are ${said.length} classes`,
      `the ONNX output ${name} has ${count} numbers`,
    );
  }
  const byCount = DEFAULT_CLASSES[count];
  if (byCount === undefined) {
    throw unusable(
      `the ONNX output ${name} has ${count} numbers for each input: export it with 1, 2 or 3, one for each class`,
    );
  }
  const classes = ledger.settle('output.classes', { said }, byCount);
  if (new Set(classes).size !== classes.length) throw wrongJson(`${words}, which names one twice`);
  if (classes.includes('fake') && classes.includes('synthetic')) {
    throw wrongJson(`${words}: a fake is counted as synthetic, so they would be one class`);
  }
  if (classes.length > 1 && !classes.includes('real')) {
    throw wrongJson(`${words}: with none of them real, nothing could be answered as real`);
  }
  return classes;
}

/** Where a mask lies in an output tensor. */
export interface MaskPlace {
  readonly height: number;
  readonly width: number;
  /** 2 if the output is two channels of logits, the second for the mask; otherwise 1. */
  readonly channels: 1 | 2;
  /** Whether the channels of a pixel lie side by side; otherwise one plane follows the other. */
  readonly interleaved: boolean;
}

/**
 * Reads the shape of a mask output: [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W], and [1,2,H,W] or [1,H,W,2] with softmax.
 * @throws MinerError MODEL_INVALID for any other shape, MODEL_CONTRADICTION if the channels do not fit the activation
 */
export function locateMask(shape: readonly number[], activation: MaskActivation): MaskPlace {
  const words = `the ONNX output has the shape [${shape.join(', ')}]`;
  const place = readPlace(shape);
  if (place === undefined || place.height < 1 || place.width < 1) {
    throw unusable(
      `${words}: export a mask of [1,1,H,W], [1,H,W,1], [1,H,W] or [H,W], or of [1,2,H,W] or [1,H,W,2] for softmax`,
    );
  }
  if (place.channels === 2 && activation !== 'softmax') {
    throw contradiction(
      `${words}, two channels`,
      `output.maskActivation is ${activation}, which is for one channel: set softmax if they are logits`,
    );
  }
  if (place.channels === 1 && activation === 'softmax') {
    throw contradiction('model.json says output.maskActivation softmax, which is for two channels', words);
  }
  return place;
}

function readPlace(shape: readonly number[]): MaskPlace | undefined {
  const one = (height = 0, width = 0): MaskPlace => ({ height, width, channels: 1, interleaved: false });
  const [a, b, c, d] = shape;
  // A single row is a flattened mask, whose shape is unknown.
  if (shape.length === 2) return a === 1 ? undefined : one(a, b);
  if (a !== 1) return undefined;
  if (shape.length === 3) return one(b, c);
  if (shape.length !== 4) return undefined;
  if (b === 1) return one(c, d);
  if (d === 1) return one(b, c);
  if (b === 2) return { ...one(c, d), channels: 2 };
  return d === 2 ? { ...one(b, c), channels: 2, interleaved: true } : undefined;
}

/**
 * Numbers per picture or clip in an output [N, classes], or [N] or [classes] if the other is 1.
 * @param batch pictures or clips that went in
 * @throws MinerError MODEL_INVALID for any other shape
 */
export function classCount(shape: readonly number[], batch: number): number {
  const [first, second] = shape;
  if (shape.length === 2 && first === batch && second !== undefined) return second;
  if (shape.length === 1 && first === batch && batch > 1) return 1;
  if (shape.length === 1 && batch === 1 && first !== undefined) return first;
  throw unusable(
    `the ONNX output has the shape [${shape.join(', ')}] for a batch of ${batch}: export it as [N, classes]`,
  );
}
