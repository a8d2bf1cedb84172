import type { ClassesContract, MaskContract, ModelContract, Origin } from './contract.ts';

export interface ContractLine {
  /** The path of the field in model.json. */
  readonly field: string;
  readonly value: string | number | readonly (string | number)[];
  readonly origin: Origin;
}

type Values = Readonly<Record<string, ContractLine['value']>>;

/** A contract as lines, in the order and the words of `model.json`: each value, and where it comes from. */
export function contractLines({ task, input, output, origins }: ModelContract): ContractLine[] {
  const { fit } = input;
  const values: Values = {
    task,
    'input.name': input.name,
    'input.layout': input.layout,
    'input.dtype': input.dtype,
    ...(fit.mode === 'native'
      ? { 'input.size': 'native' }
      : { 'input.size.height': fit.height, 'input.size.width': fit.width }),
    'input.fit': fit.mode,
    'input.frames': input.frames,
    ...(task === 'video' ? { 'input.frameStride': input.frameStride } : {}),
    'input.scale': input.scale,
    'input.mean': input.mean,
    'input.std': input.std,
    'output.name': output.name,
    'output.kind': output.kind,
    ...(output.kind === 'mask' ? maskLines(output) : classesLines(output)),
  };
  return Object.entries(values).map(([field, value]) => ({
    field,
    value,
    origin: origins[field] ?? 'default',
  }));
}

function classesLines({ classes, temperature, decision }: ClassesContract): Values {
  return {
    'output.classes': classes,
    'output.temperature': temperature,
    'output.decision': decision,
  };
}

function maskLines({ activation, resize, hardness }: MaskContract): Values {
  return {
    'output.maskActivation': activation,
    'output.maskResize': resize,
    'output.mask': hardness.mode,
    ...(hardness.mode === 'hard' ? { 'output.threshold': hardness.threshold } : {}),
  };
}
