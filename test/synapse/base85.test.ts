import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeBase85 } from '../../src/synapse/base85.ts';
import { encodeBase85 } from '../fixtures/dendrite.ts';

const decode = (text: string) => decodeBase85(Buffer.from(text))?.toString('hex');

describe('base85', () => {
  // As Python's base64.b85encode gives them.
  it.each([
    ['', ''],
    ['61', 'VE'],
    ['6162', 'VPX'],
    ['616263', 'VPaz'],
    ['61626364', 'VPa!s'],
    ['ffffffffffff', '|NsC0|Nj'],
    [
      '00070e151c232a31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc',
      '00#~g93v_*I6p>BR9j+caCd%%jFXz7sIRuY#LLpz;OFl3`~',
    ],
  ])('base85 of %s is read', (hex, text) => {
    expect(decode(text)).toBe(hex);
  });

  it('base85 of any bytes is read', () => {
    for (let length = 0; length < 50; length++) {
      const bytes = randomBytes(length);
      expect(decode(encodeBase85(bytes))).toBe(bytes.toString('hex'));
    }
  });

  it.each(['VPa"s', 'VPa s', 'VPa\\s', 'VPaés', '~~~~~', '|NsC1', 'V', 'VPa!sV'])(
    '%s is not base85',
    (text) => {
      expect(decode(text)).toBeUndefined();
    },
  );
});
