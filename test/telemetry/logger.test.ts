import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createCapturingLogger } from '../fixtures/capturing-logger.ts';

const SECRETS = [
  'password',
  'secretPhrase',
  'secretSeed',
  'privateKey',
  'secretKey',
  'epistula-secret-signature-0',
  'epistula-secret-signature-1',
  'epistula-secret-signature-2',
];

const ESCAPE = String.fromCharCode(27);

describe('the logger', () => {
  it.each(SECRETS.slice(0, 5))('the logger never writes a %s', (name) => {
    const { logger, lines } = createCapturingLogger();
    logger.info({ [name]: 'hush', wallet: { [name]: 'hush' } }, 'opened');
    expect(lines()).toMatchObject([{ [name]: '[secret]', wallet: { [name]: '[secret]' } }]);
  });

  it.each(SECRETS.slice(5))('the logger never writes the header %s', (name) => {
    const { logger, lines } = createCapturingLogger();
    const headers = { [name]: 'hush', 'epistula-uuid': 'shown' };
    logger.info({ headers, request: { headers } }, 'came');
    expect(JSON.stringify(lines())).not.toContain('hush');
    expect(lines()).toMatchObject([{ headers: { 'epistula-uuid': 'shown' } }]);
  });

  it('the logger writes one JSON object for each line, whatever its values are', () => {
    const { logger, lines } = createCapturingLogger();
    logger.warn({ agent: 'a\n{"level":"fatal"}\r\n\u001b[31m' }, 'odd');
    expect(lines()).toHaveLength(1);
    expect(lines()[0]).toMatchObject({ level: 'warn', msg: 'odd' });
  });

  it('the logger writes for people on a terminal, and nothing below its level', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const logger = createLogger({ level: 'warn', stream });
    logger.info('quiet');
    logger.warn({ port: 8091 }, 'loud');
    const text = String(stream.read());
    expect(text).toContain('loud');
    expect(text).toContain('8091');
    expect(text).not.toContain('quiet');
    expect(() => JSON.parse(text)).toThrow();
  });

  it('the logger escapes characters that a terminal obeys, so that no value moves the cursor or turns the text around', () => {
    const { logger, text, lines } = createCapturingLogger();
    const odd = 'a\u001b[31m\u009b2J\u007f\u202eb\u2028c';
    logger.warn({ stderr: odd, err: new Error(odd) }, odd);
    expect(text()).not.toMatch(/(?!\n)\p{Cc}|[\u2028-\u202e]/u);
    expect(lines()).toMatchObject([{ stderr: odd, msg: odd }]);
  });

  it('the logger shows the escapes of such characters on a terminal', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true });
    const logger = createLogger({ level: 'warn', stream });
    const odd = 'words \u001b]0;title\u0007 \u009b2J \u202e \r\b \\u001b "quoted" two\nlines';
    logger.warn({ stderr: odd, deep: { odd } }, odd);
    logger.warn({ err: new Error(odd) }, 'failed');
    // The colours are the logger's own.
    const shown = String(stream.read()).replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), '');
    expect(shown).not.toMatch(/[^\P{Cc}\n]|[\u2028-\u202e]/u);
    expect(shown).toContain('words \\u001b]0;title');
    expect(shown).toContain('two\nlines');
  });
});
