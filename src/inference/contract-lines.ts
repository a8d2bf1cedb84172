import type { ModelContract, Origin } from './contract.ts';

export interface ContractLine {
  /** The path of the field in model.json. */
  readonly field: string;
  readonly value: string | number | readonly (string | number)[];
  readonly origin: Origin;
}

/** A contract line by line, in the order and the words of `model.json`: what holds, and where it comes from. */
export function contractLines({ task, input, output, origins }: ModelContract): ContractLine[] {
  const { fit } = input;
  const values: Readonly<Record<string, ContractLine['value']>> = {
    task,
    'input.name': input.name,
    'input.layout': input.layout,
    'input.dtype': input.dtype,
    ...(fit.mode === 'native'
      ? { 'input.size': 'native' }
      : { 'input.size.height': fit.height, 'input.size.width': fit.width }),
    'input.fit': fit.mode,
    'input.frames': input.frames,
    'input.scale': input.scale,
    'input.mean': input.mean,
    'input.std': input.std,
    'output.name': output.name,
    'output.kind': output.kind,
    ...(output.kind === 'mask'
      ? { 'output.maskActivation': output.activation, 'output.threshold': output.threshold }
      : { 'output.classes': output.classes }),
  };
  return Object.entries(values).map(([field, value]) => ({
    field,
    value,
    origin: origins[field] ?? 'default',
  }));
}
