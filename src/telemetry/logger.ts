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

/** A pino logger: readable lines on a terminal, one JSON object a line anywhere else. */
export function createLogger({ level, stream = process.stdout }: LoggerOptions): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED.flatMap((path) => [path, `*.${path}`]), censor: '[secret]' },
    serializers: { err: pino.stdSerializers.err },
  };
  if (stream.isTTY === true) {
    return pino(
      options,
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
