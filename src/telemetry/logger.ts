import pino, { type LevelWithSilent, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

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
  readonly level: LevelWithSilent;
  /** Where lines go; standard output when absent. */
  readonly stream?: NodeJS.WritableStream & { isTTY?: boolean };
}

/** A pino logger: readable lines on a terminal, one JSON object a line anywhere else. */
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

/** JSON leaves these as they are: they move the cursor or turn the direction of text where a line is shown. */
const INVISIBLE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A line of JSON with escapes for what a terminal obeys; it means the same. */
function escapeInvisible(line: string): string {
  return line.replaceAll(INVISIBLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * A line of JSON whose escapes of control characters stay escapes when it is read: a terminal shows them and does not obey.
 * Line breaks stay, for the traces of errors; tabs too.
 */
function escapeForTerminal(line: string): string {
  return line.replaceAll(/\\(?:u(?:00[0189][0-9a-f]|007f|20[26][0-9a-f])|[^u])/g, (found) =>
    /^\\[\\"/nt]/.test(found) ? found : `\\${found}`,
  );
}
