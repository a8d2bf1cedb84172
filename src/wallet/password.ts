import { MinerError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { NotASmallFileError, readSmallFile } from './read-small-file.ts';

const PASSWORD_FILE_LIMIT_BYTES = 4096;

interface PasswordSources {
  /** Path of the key file with the tilde expanded; the name of the variable is made from it. */
  readonly keyfilePath: string;
  /** `WALLET_PASSWORD_FILE`; if it is set, the variable is not read. */
  readonly passwordFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/**
 * The password of an encrypted key file: from the password file, else from the `BT_PW_` variable. It is never asked for
 * at a terminal, since a daemon has none.
 * @throws MinerError WALLET_PASSWORD_MISSING, with the name of the variable; WALLET_PASSWORD_WRONG if it is malformed
 */
export async function findPassword(sources: PasswordSources): Promise<Uint8Array> {
  const { keyfilePath, passwordFile, env, logger } = sources;
  if (passwordFile !== undefined) return readPasswordFile(passwordFile, logger);
  const variable = passwordVariable(keyfilePath);
  const names = [variable, passwordVariable(withoutIdleParts(keyfilePath))];
  const name = names.find((one) => (env[one] ?? '') !== '');
  const value = name && env[name];
  if (name === undefined || value === undefined) {
    throw new MinerError(
      'WALLET_PASSWORD_MISSING',
      `${keyfilePath} is encrypted: put its password in a file and name that file in WALLET_PASSWORD_FILE,` +
        ` or set ${variable} as btcli does`,
    );
  }
  return revealPassword(name, value);
}

/** The path as SDK 11 spells it: without empty parts and without `.`. */
function withoutIdleParts(path: string): string {
  return path
    .replace(/^(\.\/+)+/, '')
    .replace(/(?<=.)\/{2,}/g, '/')
    .replace(/(\/\.)+(?=\/)/g, '');
}

/** The variable that holds the password of a key file: its path in capitals, with `/` and `.` turned into `_`. */
export function passwordVariable(keyfilePath: string): string {
  return `BT_PW_${keyfilePath.replace(/[/.]/g, '_').toUpperCase()}`;
}

/**
 * The password in a `BT_PW_` variable: base64 of the password XORed with the repeated name of the variable. That hides
 * it from a glance only.
 */
export function revealPassword(variable: string, value: string): Uint8Array {
  const encoded = value.trim();
  const hidden = Buffer.from(encoded, 'base64');
  if (hidden.length === 0 || hidden.toString('base64') !== encoded) {
    throw new MinerError(
      'WALLET_PASSWORD_WRONG',
      `${variable} does not hold a password as btcli stores it (base64); a plain password belongs in a file` +
        ' that WALLET_PASSWORD_FILE names',
    );
  }
  const mask = Buffer.from(variable, 'utf8');
  return hidden.map((byte, index) => byte ^ (mask[index % mask.length] ?? 0));
}

async function readPasswordFile(path: string, logger: Logger): Promise<Uint8Array> {
  const { bytes, readableByOthers } = await readSmallFile(path, PASSWORD_FILE_LIMIT_BYTES).catch((error) => {
    const reason = error instanceof NotASmallFileError ? error.message : `it cannot be read (${error.code})`;
    throw new MinerError('WALLET_PASSWORD_MISSING', `the password file ${path} cannot be used: ${reason}`);
  });
  if (readableByOthers) logger.warn({ path }, 'password file is readable by others; chmod 600 it');
  const password = withoutLineEnd(bytes);
  if (password.length === 0) {
    throw new MinerError('WALLET_PASSWORD_MISSING', `the password file ${path} is empty`);
  }
  return password;
}

/** Without one line end at the end: editors and `echo` add it. */
function withoutLineEnd(bytes: Buffer): Buffer {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}
