import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Never written, wherever they turn up in a logged object: keys, passwords, and the bearer tokens of Epistula. */
const REDACTED = [
  'password',
  'secretPhrase',
  'secretSeed',
  'privateKey',
  'secretKey',
  'headers["epistula-secret-signature-0"]',
  'headers["epistula-secret-signature-1"]',
  'headers["epistula-secret-signature-2"]',
];

interface LoggerOptions {
  readonly level: LogLevel;
  /** Where lines go; standard output when absent. */
  readonly stream?: NodeJS.WritableStream & { isTTY?: boolean };
}

/** A pino logger: readable lines on a terminal, one JSON object for each line elsewhere. */
export function createLogger({ level, stream = process.stdout }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED.flatMap((path) => [path, `*.${path}`]), censor: '[secret]' },
    serializers: { err: pino.stdSerializers.err },
    hooks: { streamWrite: escapeInvisible },
  };
  if (stream.isTTY === true) {
    return pino(
      { ...options, hooks: { streamWrite: (line) => escapeForTerminal(escapeInvisible(line)) } },
      pretty({
        colorize: true,
        translateTime: 'SYS:HH:MM:ss.l',
        ignore: 'pid,hostname',
        destination: stream,
      }),
    );
  }
  return pino(options, stream);
}

/** JSON does not escape these characters, and a terminal obeys them: they move the cursor or turn the direction of text. */
const INVISIBLE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A line of JSON with escapes for those characters; it means the same. */
function escapeInvisible(line: string): string {
  return line.replaceAll(INVISIBLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A line of JSON whose escapes of control characters stay escapes when it is read, so that a terminal shows them and does
 * not obey. Line breaks and tabs stay, for the traces of errors.
 */
function escapeForTerminal(line: string): string {
  return line.replaceAll(/\\(?:u(?:00[0189][0-9a-f]|007f|20[26][0-9a-f])|[^u])/g, (found) =>
    /^\\[\\"/nt]/.test(found) ? found : `\\${found}`,
  );
}
