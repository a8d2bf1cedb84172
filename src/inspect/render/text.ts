import { printableLines } from '../../printable.ts';
import { BURST_REQUESTS, type BurstReport, LINE_MBIT_PER_S } from '../measure/burst.ts';
import type {
  AnswerReport,
  BatchReport,
  ExecutionReport,
  FitReport,
  InspectReport,
  Latency,
  ModelReport,
  SpeedReport,
} from '../report.ts';

/**
 * Parts of a report as text, each with a heading and an empty line after it. Control characters are removed: names in a
 * stranger's file must not steer the terminal.
 */
export function renderText({ model, execution, speed, fit, answers = [] }: Partial<InspectReport>): string {
  const parts = [
    model === undefined ? '' : renderModel(model),
    execution === undefined ? '' : renderExecution(execution),
    speed === undefined ? '' : renderSpeed(speed),
    fit === undefined ? '' : renderFit(fit),
    ...answers.map(renderAnswer),
  ];
  return printableLines(parts.join(''));
}

function renderModel(model: ModelReport): string {
  const opsets = model.opsets.map(({ domain, version }) => `opset ${version} of ${domain}`);
  const version = model.irVersion === null ? [] : [`IR ${model.irVersion}`];
  const tensors = table(
    [
      ...model.inputs.map((tensor) => ['takes', ...cells(tensor)]),
      ...model.outputs.map((tensor) => ['gives', ...cells(tensor)]),
    ],
    10,
  );
  const facts = table(
    [
      ['size', bytes(model.sizeBytes)],
      ['sha256', model.sha256],
      ['made by', [model.producer ?? 'it does not say', ...version, ...opsets].join(', ')],
      ...model.weightFiles.map(({ name, sizeBytes, sha256 }) => [
        'weights',
        `${name}, ${bytes(sizeBytes)}, sha256 ${sha256}`,
      ]),
    ],
    10,
  );
  const origin = model.taskReason === null ? model.taskOrigin : `deduced: ${model.taskReason}`;
  const contract = table([
    ['task', model.task, origin],
    ...model.contract.map(({ field, value, origin: from }) => [field, show(value), from]),
  ]);
  return (
    section(`Model ${model.path}`, `${facts}${tensors}`) +
    section('Contract, and where it comes from', contract)
  );
}

function cells({ name, type, shape }: ModelReport['inputs'][number]): string[] {
  return [name, type, `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`];
}

function show(value: ModelReport['contract'][number]['value']): string {
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  return typeof value === 'string' ? value : value.map(show).join(', ');
}

function renderExecution({ device, providers, cudaFailure }: ExecutionReport): string {
  const [operations, timeMs] = [
    sum(providers.map((each) => each.operations)),
    sum(providers.map((each) => each.timeMs)),
  ];
  const rows = providers.map((each) => [
    each.name,
    `${each.operations} of ${operations} operations (${percent(each.operationShare)})`,
    `${milliseconds(each.timeMs)} of ${milliseconds(timeMs)} (${percent(each.timeShare)})`,
  ]);
  const failure = cudaFailure === null ? '' : `  CUDA is not used: ${cudaFailure}\n`;
  return section(`Runs on (asked for: ${device})`, `${table(rows)}${failure}`);
}

function renderSpeed({ answer, batches }: SpeedReport): string {
  const one = batches.find(({ batch }) => batch === 1)?.latency;
  const rows = [
    ['one request', ...latencyCells(answer), 'from pixels to answer'],
    ...batches.map((each) => [`batch of ${each.batch}`, ...batchCells(each, one)]),
  ];
  return section('Speed and memory', table(rows));
}

function latencyCells({ p50Ms, p95Ms, runs }: Latency): string[] {
  return [`p50 ${milliseconds(p50Ms)}`, `p95 ${milliseconds(p95Ms)}`, `${runs} runs`];
}

function batchCells(report: BatchReport, one: Latency | null | undefined): string[] {
  const { batch, latency, perInputMs, peakRssBytes, baselineRssBytes, notMeasured } = report;
  if (latency === null) {
    const together =
      one == null ? '' : `; ${batch} one after the other take ${milliseconds(batch * one.p50Ms)}`;
    return [`not measured: ${notMeasured}${together}`];
  }
  const each = batch === 1 ? '' : `${milliseconds(perInputMs ?? 0)} each; `;
  const memory = `memory ${bytes(peakRssBytes ?? 0)} at most, of it ${bytes(baselineRssBytes ?? 0)} without a model`;
  return [...latencyCells(latency), `${each}${memory}`];
}

function renderFit(fit: FitReport): string {
  const { machine, costs, aloneMs, bursts, verdicts } = fit;
  const assumed = costs.clipCostsAssumed === null ? '' : `, not measured here: ${costs.clipCostsAssumed}`;
  const busy =
    machine.loadAverage < costs.cores / 2
      ? ''
      : `; busy with other work (load ${machine.loadAverage.toFixed(1)}), which makes the times of the model longer`;
  const measured = table([
    ['machine', `${costs.cores} cores, ${machine.cpu}, ${bytes(machine.memoryBytes)}${busy}`],
    ['signature', `${milliseconds(costs.verifyMs)}; hash ${milliseconds(costs.hashMsPerMb)} a MB`],
    [
      'picture',
      `${milliseconds(costs.pictureMs)} of a core to decode one of ${megabytes(costs.pictureMb)} and 2048 × 2048 pixels of noise`,
    ],
    ...(bursts.every((burst) => burst.clips === 0)
      ? []
      : [
          [
            'clip',
            `${milliseconds(costs.clipProbeMs)} and ${milliseconds(costs.clipMsPerMb)} of a core a MB to decode${assumed}`,
          ],
        ]),
    ['one alone', `${seconds(aloneMs)} from the first byte sent to the last one received`],
  ]);
  const sums = bursts.map((burst, index) => `${renderBurst(burst, fit)}  ${verdicts[index]}\n`).join('\n');
  return section('Fits the 11 s of a validator?', `${measured}\n${sums}`);
}

function renderBurst(burst: BurstReport, { costs }: FitReport): string {
  const { pictures, clips, clipMb, requests, kind } = burst;
  const totalMb = pictures * costs.pictureMb + clips * clipMb;
  const picture = `${pictures} × ${milliseconds(costs.pictureMs)}`;
  const share = burst.decodedShare === 1 ? '' : `${percent(burst.decodedShare)} × `;
  const clip = `${clips} × (${milliseconds(costs.clipProbeMs)} + ${clipMb} MB × ${share}${milliseconds(costs.clipMsPerMb)})`;
  const work = kind === 'clips' ? `${picture} + ${clip}` : picture;
  const half = burst.machineShare < 1 ? ', half of them busy with the clips' : '';
  const slower =
    burst.modelMs > requests * burst.answerMs * 1.01 ? ', twice as long on half of the machine' : '';
  const content =
    clips === 0 ? `${pictures} pictures` : `${pictures} pictures and ${clips} clips of ${clipMb} MB`;
  return `  A burst of ${BURST_REQUESTS}: ${content}\n${table(
    [
      ['upload', seconds(burst.uploadMs), `${totalMb.toFixed(0)} MB at ${LINE_MBIT_PER_S / 1000} Gbit/s`],
      [
        'check',
        seconds(burst.verifyMs),
        `${BURST_REQUESTS} × ${milliseconds(costs.verifyMs)} + ${totalMb.toFixed(0)} MB × ${milliseconds(costs.hashMsPerMb)}`,
      ],
      ['decode', seconds(burst.decodeMs), `(${work}) / ${costs.cores} cores${half}`],
      [
        'model',
        seconds(burst.modelMs),
        `${requests} × ${milliseconds(burst.answerMs)}${slower}${burst.provider === 'cuda' ? ', while others are decoded' : ''}`,
      ],
      ['way back', seconds(burst.replyMs), ''],
      [
        'all',
        seconds(burst.totalMs),
        `of ${seconds(burst.limitMs)}; ${burst.answeredInTime} of ${requests} ${kind} answered in time`,
      ],
    ],
    0,
    '    ',
  )}`;
}

function renderAnswer(answer: AnswerReport): string {
  if (answer.kind === 'error') return section(answer.file, `  ${answer.code}: ${answer.message}\n`);
  const { width, height, decodeMs, modelMs } = answer;
  const took = [
    'took',
    `${milliseconds(decodeMs)} to decode ${width} × ${height}, ${milliseconds(modelMs)} for the model`,
  ];
  if (answer.kind === 'mask') {
    const { markedShare, meanConfidence, maxConfidence, raw } = answer;
    return section(
      answer.file,
      table([
        ['answer', `${percent(markedShare)} of the pixels marked as AI-made`],
        ['confidence', `${meanConfidence.toFixed(4)} on average, ${maxConfidence.toFixed(4)} at most`],
        ...raw.map(({ shape, min, max }) => [
          'model gave',
          `[${shape.join(', ')}], ${min.toFixed(4)} to ${max.toFixed(4)}`,
        ]),
        took,
      ]),
    );
  }
  const { real, synthetic, semisynthetic } = answer.probabilities;
  return section(
    answer.file,
    table([
      [
        'answer',
        `${answer.class}: real ${real.toFixed(4)}, synthetic ${synthetic.toFixed(4)}, semisynthetic ${semisynthetic.toFixed(4)}`,
      ],
      ...answer.raw.map(({ shape, values }) => [
        'model gave',
        `[${shape.join(', ')}]: ${(values ?? []).map((value) => value.toFixed(4)).join(', ')}`,
      ]),
      took,
    ]),
  );
}

function section(heading: string, body: string): string {
  return `${heading}\n${body}\n`;
}

/** Rows of cells in columns; the last cell of a row may have any length. */
function table(rows: readonly (readonly string[])[], firstWidth = 0, indent = '  '): string {
  const widths: number[] = [firstWidth];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ');
  return rows.map((row) => `${indent}${line(row)}`.trimEnd()).join('\n') + (rows.length === 0 ? '' : '\n');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`;
  return count < 10_000_000_000
    ? `${(count / 1_000_000).toFixed(1)} MB`
    : `${(count / 1_000_000_000).toFixed(1)} GB`;
}

function megabytes(count: number): string {
  return `${count.toFixed(1)} MB`;
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 2 : ms < 100 ? 1 : 0)} ms`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1).replace(/\.0$/, '')} %`;
}
