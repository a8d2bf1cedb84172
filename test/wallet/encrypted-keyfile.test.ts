import { describe, expect, it } from 'vitest';
import { decryptKeyfile } from '../../src/wallet/encrypted-keyfile.ts';
import { bytesOf, ENCRYPTED, FULL_KEYFILE } from './fixtures.ts';

const KEY = bytesOf(ENCRYPTED.keyHex);

describe('an encrypted key file', () => {
  it('is opened with its key', () => {
    const plain = Buffer.from(decryptKeyfile(ENCRYPTED.file, KEY)).toString();
    expect(JSON.parse(plain)).toEqual(FULL_KEYFILE);
  });

  it.each([
    ['the key differs', ENCRYPTED.file, KEY.with(0, 0)],
    ['a byte was changed', ENCRYPTED.file.with(-1, 0), KEY],
  ])('is refused as opened with a wrong password if %s', (_, file, key) => {
    expect(() => decryptKeyfile(file, key)).toThrow(
      expect.objectContaining({ code: 'WALLET_PASSWORD_WRONG' }),
    );
  });

  it('is refused if it ends before its contents begin', () => {
    expect(() => decryptKeyfile(ENCRYPTED.file.subarray(0, 44), KEY)).toThrow(
      expect.objectContaining({ code: 'WALLET_FORMAT' }),
    );
  });
});
