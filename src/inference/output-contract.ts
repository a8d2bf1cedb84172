import type { OutputContract } from './contract.ts';
import type { ContractLedger } from './contract-ledger.ts';
import type { ClassName, ModelJson, Task } from './model-json.ts';
import { contradiction, unusable } from './model-refusals.ts';
import { classCount, maskSize } from './output-shape.ts';

const DEFAULT_CLASSES: Readonly<Record<number, readonly ClassName[]>> = {
  1: ['fake'],
  2: ['real', 'fake'],
  3: ['real', 'synthetic', 'semisynthetic'],
};

/**
 * The name of the output that is the answer.
 * @throws MinerError MODEL_INVALID where several are there and `model.json` names none, or one that isn't there
 */
export function chooseOutput(
  json: ModelJson | undefined,
  names: readonly string[],
  ledger: ContractLedger,
): string {
  const said = json?.output?.name;
  const chosen = said === undefined && names.length === 1 ? names[0] : names.find((name) => name === said);
  if (chosen === undefined) {
    const wish = said === undefined ? 'does not say which to use (output.name)' : `says output.name ${said}`;
    throw contradiction(`the ONNX file has the outputs ${names.join(', ')}`, `model.json ${wish}`);
  }
  return ledger.settle('output.name', { said, declared: chosen }, chosen);
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
  ledger: ContractLedger,
): OutputContract {
  const said = json?.output ?? {};
  const kind = ledger.settle('output.kind', { said: said.kind }, task === 'mask' ? 'mask' : 'logits');
  if ((kind === 'mask') !== (task === 'mask')) {
    throw contradiction(`model.json says output.kind ${kind}`, `the model is used for ${task}`);
  }
  const { name } = output;
  if (kind === 'mask') {
    if (said.classes !== undefined) throw contradiction('model.json says output.classes', 'a mask has none');
    maskSize(output.shape);
    return {
      kind,
      name,
      activation: ledger.settle('output.maskActivation', { said: said.maskActivation }, 'none'),
      threshold: ledger.settle('output.threshold', { said: said.threshold }, 0.5),
    };
  }
  if (said.maskActivation !== undefined || said.threshold !== undefined) {
    throw contradiction(
      'model.json says output.maskActivation or output.threshold',
      `output.kind is ${kind}`,
    );
  }
  const count = classCount(output.shape, batch);
  const classes = settleClasses(said.classes, name, count, ledger);
  if (kind === 'sigmoid' && count !== 1) {
    throw contradiction('output.kind sigmoid means one number', `the ONNX output ${name} has ${count}`);
  }
  if (kind === 'logits' && count === 1) {
    throw unusable(
      `the ONNX output ${name} is one number: say output.kind sigmoid or probabilities in model.json`,
    );
  }
  return { kind, name, classes };
}

function settleClasses(
  said: readonly ClassName[] | undefined,
  name: string,
  count: number,
  ledger: ContractLedger,
): readonly ClassName[] {
  if (said !== undefined && said.length !== count) {
    throw contradiction(
      `model.json says output.classes ${said.join(', ')}, which are ${said.length}`,
      `the ONNX output ${name} has ${count} numbers`,
    );
  }
  const byCount = DEFAULT_CLASSES[count];
  if (byCount === undefined) {
    throw unusable(`the ONNX output ${name} has ${count} numbers for each input; 1, 2 or 3 are understood`);
  }
  const classes = ledger.settle('output.classes', { said }, byCount);
  if (new Set(classes).size !== classes.length) {
    throw unusable(`model.json says output.classes ${classes.join(', ')}, which names one twice`);
  }
  if (classes.includes('fake') && classes.includes('synthetic')) {
    throw unusable(`model.json says output.classes ${classes.join(', ')}: a fake is counted as synthetic`);
  }
  return classes;
}
