import { expect, it } from 'vitest';
import {
  displayEndpoint,
  displayEndpoints,
  displayValue,
  mayHoldKey,
} from '../../src/net/display-endpoint.ts';

it.each([
  ['wss://node.example:443', 'wss://node.example:443'],
  ['ws://127.0.0.1:9944/', 'ws://127.0.0.1:9944/'],
  ['wss://user:KEY@node.example', 'wss://node.example/[hidden]'],
  ['wss://node.example/v3/KEY', 'wss://node.example/[hidden]'],
  ['wss://node.example?apikey=KEY', 'wss://node.example/[hidden]'],
  ['wss://node.example/#KEY', 'wss://node.example/[hidden]'],
  ['ws://127.0.0.1:9944, wss://node.example/KEY', 'ws://127.0.0.1:9944,wss://node.example/[hidden]'],
  ['wss://user:K,EY@node.example', '[hidden]'],
  ['node.example/KEY', '[hidden]'],
  ['wss://node.example\\KEY', 'wss://node.example/[hidden]'],
  ['wss://node.example:KEY', '(not a URL)/[hidden]'],
  ['wss://node.example%2fKEY', '(not a URL)/[hidden]'],
  ['wss://node.example;KEY', '(not a URL)/[hidden]'],
  ['wss://node.example\tKEY', '(not a URL)/[hidden]'],
  ['wss://user:KEY,wss://x@node.example', '(not a URL)/[hidden],wss://node.example/[hidden]'],
  ['wss://[::1]:9944', 'wss://[::1]:9944'],
  ['wss:/node.example/KEY', '[hidden]'],
  ['wss:\\\\node.example\\KEY', '[hidden]'],
])('%s is shown as %s', (list, shown) => {
  expect(displayEndpoints(list)).toBe(shown);
});

it('an endpoint in the place of another value is shown without its key, and any other value as it is', () => {
  expect(displayValue('https://node.example/KEY')).toBe('https://node.example/[hidden]');
  for (const odd of ['wss:/h/KEY', 'wss:\\\\h\\KEY', 'wss:h/KEY']) expect(displayValue(odd)).toBe('[hidden]');
  expect(displayValue('~/wallets/KEY')).toBe('~/wallets/KEY');
});

it('an endpoint may hold a key in any part besides scheme, host and port', () => {
  expect(['ws://h', 'ws://h:1', 'ws://h/'].map(mayHoldKey)).toEqual([false, false, false]);
  expect(['ws://k@h', 'ws://h/k', 'ws://h?k', 'ws://h#k'].map(mayHoldKey)).toEqual([true, true, true, true]);
});

it('an endpoint is logged as scheme and host, or not at all if the host may be a key', () => {
  expect(displayEndpoint('wss://k@node.example/KEY')).toBe('wss://node.example');
  for (const odd of ['wss://h\tKEY', 'wss://h;KEY', 'wss://h:KEY', 'KEY']) {
    expect(displayEndpoint(odd)).toBe('(not a URL)');
  }
});
