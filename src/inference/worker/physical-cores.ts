import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Physical cores that this process may use. With more threads than that, a model is slower. */
export function countPhysicalCores(): number {
  const usable = availableParallelism();
  try {
    return Math.min(usable, parsePhysicalCores(readFileSync('/proc/cpuinfo', 'utf8')) ?? usable);
  } catch {
    return usable;
  }
}

/** @returns undefined if the text does not say, as on most virtual ARM machines */
export function parsePhysicalCores(cpuinfo: string): number | undefined {
  const cores = new Set<string>();
  for (const processor of cpuinfo.split(/\n\s*\n/)) {
    const [, socket] = /^physical id\s*:\s*(\d+)/m.exec(processor) ?? [];
    const [, core] = /^core id\s*:\s*(\d+)/m.exec(processor) ?? [];
    if (socket !== undefined && core !== undefined) cores.add(`${socket}/${core}`);
  }
  return cores.size === 0 ? undefined : cores.size;
}
