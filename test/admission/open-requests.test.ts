import { expect, it } from 'vitest';
import { createOpenRequests } from '../../src/admission/open-requests.ts';

it('open requests are at most so many, of one address half as many, and leave their places', () => {
  const open = createOpenRequests(4);
  const leave = open.enter('a');
  expect(open.enter('a')).toBeDefined();
  expect(open.enter('a')).toBeUndefined();
  expect(open.enter('b')).toBeDefined();
  expect(open.enter('c')).toBeDefined();
  expect(open.enter('d')).toBeUndefined();
  leave?.();
  expect(open.enter('a')).toBeDefined();
  expect(open.enter('d')).toBeUndefined();
});
