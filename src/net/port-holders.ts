import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** Name of its program, as the kernel has it: at most 15 characters. */
  readonly program: string;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** TCP_LISTEN in the kernel's include/net/tcp_states.h. */
const LISTENING = '0A';

/**
 * The processes that listen on a TCP port, on any address. Linux shows the open files of another user's process to root
 * alone: other users find no such process. It is for the moment before a process ends: reading /proc blocks for some
 * milliseconds. Never throws.
 */
export function portHolders(port: number): PortHolder[] {
  const sockets = new Set(TABLES.flatMap((table) => listeningSockets(table, port)));
  if (sockets.size === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => holdsOneOf(pid, sockets))
    .map((pid) => ({ pid: Number(pid), program: readOrEmpty(`/proc/${pid}/comm`).trim() }));
}

/** The names of listening sockets as the links in /proc/PID/fd show them. */
function listeningSockets(table: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return readOrEmpty(table)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENING && local?.endsWith(`:${hexPort}`) === true)
    .map((fields) => `socket:[${fields[9]}]`);
}

function holdsOneOf(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((file) => sockets.has(linkOrEmpty(`/proc/${pid}/fd/${file}`)));
  } catch {
    // It belongs to another user, or has ended.
    return false;
  }
}

/** A host without IPv6 has no second table, and processes end while they are looked at. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOrEmpty(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
