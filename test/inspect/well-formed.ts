import { expect } from 'vitest';

const VOID = new Set(['meta', 'img', 'br', 'link']);

/** Every element that is opened is closed, in its order, every attribute is quoted, and no `<` stands outside of a tag. */
export function assertWellFormed(html: string): void {
  const body = html.replace(/^<!doctype html>/, '').replace(/<style>[^<]*<\/style>/g, '');
  const open: string[] = [];
  const rest = body.replaceAll(
    /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)>/g,
    (_, slash: string, name: string) => {
      if (slash === '/') expect(open.pop()).toBe(name);
      else if (!VOID.has(name)) open.push(name);
      return '';
    },
  );
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]/);
}
