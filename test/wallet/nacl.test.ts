import { describe, expect, it } from 'vitest';
import { decryptNacl } from '../../src/wallet/nacl.ts';
import { bytesOf, ENCRYPTED, FULL_KEYFILE } from './fixtures.ts';

const KEY = bytesOf(ENCRYPTED.keyHex);

describe('decryptNacl', () => {
  it('gives the key file back', () => {
    const plain = Buffer.from(decryptNacl(ENCRYPTED.file, KEY)).toString();
    expect(JSON.parse(plain)).toEqual(FULL_KEYFILE);
  });

  it.each([
    ['the key is another', ENCRYPTED.file, KEY.with(0, 0)],
    ['a byte was changed', ENCRYPTED.file.with(-1, 0), KEY],
  ])('says that the password is wrong when %s', (_, file, key) => {
    expect(() => decryptNacl(file, key)).toThrow(expect.objectContaining({ code: 'WALLET_PASSWORD_WRONG' }));
  });

  it('refuses a file that ends before its contents begin', () => {
    expect(() => decryptNacl(ENCRYPTED.file.subarray(0, 44), KEY)).toThrow(
      expect.objectContaining({ code: 'WALLET_FORMAT' }),
    );
  });
});
