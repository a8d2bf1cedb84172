import { describe, expect, it } from 'vitest';
import { integerToIp, ipv4ToInteger, reservedMeaning } from '../../src/net/ipv4.ts';

describe('an address on chain', () => {
  it('an IPv4 address becomes an integer on chain, and back', () => {
    for (const ip of ['8.8.8.8', '127.0.0.2', '255.255.255.255', '0.0.0.0']) {
      expect(integerToIp(ipv4ToInteger(ip), 4)).toBe(ip);
    }
    expect(ipv4ToInteger('127.0.0.2')).toBe(0x7f000002n);
  });

  it('an IPv6 address on chain is shown in full', () => {
    expect(integerToIp(0x20010db8000000000000000000000001n, 6)).toBe('2001:db8:0:0:0:0:0:1');
  });
});

describe('an address that the internet cannot reach', () => {
  it.each([
    ['10.255.255.255', 'a private address'],
    ['172.32.0.1', undefined],
    ['100.127.255.255', "an address behind a carrier's NAT"],
    ['100.128.0.1', undefined],
    ['8.8.8.8', undefined],
  ])('the address %s is %s', (ip, meaning) => {
    expect(reservedMeaning(ip)).toBe(meaning);
  });
});
