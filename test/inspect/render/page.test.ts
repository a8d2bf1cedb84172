import { describe, expect, it } from 'vitest';
import { renderPage } from '../../../src/inspect/render/page.ts';
import type { ModelReport } from '../../../src/inspect/report.ts';
import { assertWellFormed } from '../well-formed.ts';

const HOSTILE = `"><img src=x onerror='alert(1)'></h2><script>alert(2)</script>&amp;.jpg`;
const model: ModelReport = {
  path: `models/${HOSTILE}/model.onnx`,
  sizeBytes: 1,
  sha256: 'ab'.repeat(32),
  producer: null,
  irVersion: null,
  opsets: [],
  weightFiles: [],
  inputs: [],
  outputs: [],
  task: 'mask',
  taskOrigin: 'deduced',
  taskReason: null,
  contract: [],
};
const report = {
  kind: 'mask',
  file: HOSTILE,
  width: 60,
  height: 40,
  decodeMs: 1,
  modelMs: 1,
  raw: [],
  markedShare: 0.25,
  meanConfidence: 0.5,
  maxConfidence: 1,
} as const;
const pictures = {
  width: 60,
  height: 40,
  picture: Buffer.from('a'),
  heatMap: Buffer.from('b'),
  overlay: Buffer.from('c'),
};

describe('the page', () => {
  it('hostile names are shown as text, also in attributes', () => {
    const page = renderPage({ model, entries: [{ report, pictures }], threshold: 0.5 });
    assertWellFormed(page);
    expect(page).not.toContain('<script');
    expect(page.match(/<img /g)).toHaveLength(3);
    expect(page).toContain('&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;');
    expect(page).toContain('&amp;amp;.jpg');
  });

  it('a refused file is shown with the refusal, and no picture', () => {
    const refused = {
      kind: 'error',
      file: 'a.txt',
      code: 'MEDIA_UNSUPPORTED',
      message: '<b>no</b>',
    } as const;
    const page = renderPage({ model, entries: [{ report: refused, pictures: undefined }], threshold: 0.5 });
    assertWellFormed(page);
    expect(page).toContain('&lt;b&gt;no&lt;/b&gt;');
    expect(page).not.toContain('<img ');
  });

  it('the page says where masks are cut: at the threshold of the contract, or at that of validators for soft masks', () => {
    expect(renderPage({ model, entries: [], threshold: 0.3 })).toContain(
      'The line at 0.3 is where it is cut (output.threshold).',
    );
    expect(renderPage({ model, entries: [], threshold: undefined })).toContain(
      'The line at 0.5 is where it is cut (soft masks: validators cut them here).',
    );
  });

  it('the page loads nothing and has no scripts', () => {
    const page = renderPage({ model, entries: [{ report, pictures }], threshold: 0.5 });
    expect(page).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/https?:|\burl\(|@import/);
  });
});
