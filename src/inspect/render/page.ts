import type { AnswerReport, ModelReport } from '../report.ts';
import { HEAT_COLOURS, type MaskPictures, TINT } from './mask-pictures.ts';

/** One file on the page. */
export interface PageEntry {
  readonly report: AnswerReport;
  /** Undefined if the file was refused. */
  readonly pictures: MaskPictures | undefined;
}

interface PageOptions {
  readonly model: ModelReport;
  readonly entries: readonly PageEntry[];
  /** A pixel above it is marked; undefined for soft masks, which validators cut at 0.5. */
  readonly threshold: number | undefined;
}

const VALIDATORS_THRESHOLD = 0.5;

/**
 * A page with each picture, its heat map and its overlay side by side. It is one file without scripts, and loads nothing.
 */
export function renderPage({ model, entries, threshold }: PageOptions): string {
  const name = model.path;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>Masks of ${escapeHtml(name)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>What the segmenter marks</h1>
<dl>
<div><dt>Model</dt><dd>${escapeHtml(name)}</dd></div>
<div><dt>SHA-256</dt><dd><code>${model.sha256}</code></dd></div>
</dl>
${legend(threshold)}
</header>
<main>
${entries.map(renderEntry).join('\n')}
</main>
</body>
</html>
`;
}

function legend(threshold: number | undefined): string {
  const cut = threshold ?? VALIDATORS_THRESHOLD;
  const why = threshold === undefined ? 'soft masks: validators cut them here' : 'output.threshold';
  return `<section class="legend" aria-label="Legend">
<div class="scale">
<span class="name">Heat map: how sure the model is that a pixel is AI-made</span>
<div class="bar"><i style="left:${percent(cut)}"></i></div>
<div class="ticks"><span style="left:0">0</span><span style="left:${percent(cut)}">${cut}</span><span style="left:100%">1</span></div>
<span class="note">The line at ${cut} is where it is cut (${why}).</span>
</div>
<div class="swatch"><b></b><span>Overlay: marked as AI-made in the answer, with its outline</span></div>
</section>`;
}

function renderEntry({ report, pictures }: PageEntry): string {
  const heading = `<h2>${escapeHtml(report.file)}</h2>`;
  if (report.kind === 'error') {
    return `<article>${heading}<p class="error"><b>${report.code}</b> ${escapeHtml(report.message)}</p></article>`;
  }
  if (report.kind !== 'mask' || pictures === undefined) return `<article>${heading}</article>`;
  const { width, height, markedShare, meanConfidence, maxConfidence, decodeMs, modelMs } = report;
  const facts = [
    ['marked', percent(markedShare)],
    ['confidence', `${meanConfidence.toFixed(3)} mean, ${maxConfidence.toFixed(3)} highest`],
    ['size', `${width} × ${height}`],
    ['took', `${decodeMs.toFixed(0)} ms to decode, ${modelMs.toFixed(0)} ms for the model`],
  ];
  const figure = (caption: string, type: string, data: Buffer): string =>
    `<figure><img src="data:${type};base64,${data.toString('base64')}" width="${pictures.width}" height="${pictures.height}" alt="${caption} of ${escapeHtml(report.file)}"><figcaption>${caption}</figcaption></figure>`;
  return `<article>
${heading}
<ul>${facts.map(([key, value]) => `<li><span>${key}</span> ${value}</li>`).join('')}</ul>
<div class="row">
${figure('Picture', 'image/jpeg', pictures.picture)}
${figure('Heat map', 'image/png', pictures.heatMap)}
${figure('Overlay', 'image/jpeg', pictures.overlay)}
</div>
</article>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1).replace(/\.0$/, '')}%`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

const HEAT_GRADIENT = HEAT_COLOURS.map((channels) => `rgb(${channels.join(' ')})`).join(', ');

const STYLE = `
:root { color-scheme: light dark; --ground: #f6f5f3; --card: #fff; --text: #1d1c1a; --dim: #6b6862; --line: #dfdcd6; --tint: rgb(${TINT.join(' ')}); }
@media (prefers-color-scheme: dark) { :root { --ground: #131316; --card: #1c1c20; --text: #ecebe8; --dim: #9a9892; --line: #33333a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 32px; }
h1 { margin: 0 0 12px; font-size: 26px; font-weight: 650; letter-spacing: -0.01em; }
h2 { margin: 0; font-size: 16px; font-weight: 600; overflow-wrap: anywhere; }
dl { margin: 0 0 20px; }
dl div { display: flex; gap: 12px; }
dt { flex: none; width: 72px; color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 13px/1.6 ui-monospace, monospace; }
.legend { display: flex; flex-wrap: wrap; gap: 16px 40px; align-items: flex-start; }
.scale { flex: 1 1 380px; max-width: 560px; }
.bar { position: relative; height: 14px; margin-top: 6px; border-radius: 4px; background: linear-gradient(to right, ${HEAT_GRADIENT}); }
.bar i { position: absolute; top: -3px; bottom: -3px; width: 2px; margin-left: -1px; background: var(--text); outline: 1px solid var(--ground); }
.ticks { position: relative; height: 20px; margin-top: 4px; color: var(--dim); font-size: 13px; font-variant-numeric: tabular-nums; }
.ticks span { position: absolute; transform: translateX(-50%); }
.ticks span:first-child { transform: none; }
.ticks span:last-child { transform: translateX(-100%); }
.note { color: var(--dim); font-size: 13px; }
.swatch { display: flex; gap: 10px; align-items: center; }
.swatch b { flex: none; width: 26px; height: 18px; border: 2px solid var(--tint); border-radius: 4px; background: color-mix(in srgb, var(--tint) 45%, transparent); }
article { margin: 20px 0; padding: 18px 20px 20px; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
ul { display: flex; flex-wrap: wrap; gap: 2px 24px; margin: 4px 0 14px; padding: 0; list-style: none; font-variant-numeric: tabular-nums; }
li span { color: var(--dim); }
.row { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 14px; }
@media (max-width: 720px) { .row { grid-template-columns: 1fr; } header, main { padding-left: 14px; padding-right: 14px; } }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; max-height: 460px; object-fit: contain; object-position: left top; }
figcaption { margin-top: 6px; color: var(--dim); font-size: 13px; }
.error { margin: 8px 0 0; overflow-wrap: anywhere; }
.error b { color: var(--tint); font-weight: 600; }
`;
