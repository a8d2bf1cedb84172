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
  const sockets = new Set(
    listeningSockets()
      .filter((socket) => socket.port === port)
      .map(({ link }) => link),
  );
  if (sockets.size === 0) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => holdsOneOf(pid, sockets))
    .map((pid) => ({ pid: Number(pid), program: readOrEmpty(`/proc/${pid}/comm`).trim() }));
}

/** The TCP ports on which a process listens; none if its open files are not shown to this user. Never throws. */
export function portsHeldBy(pid: number): number[] {
  const ports = listeningSockets()
    .filter(({ link }) => holdsOneOf(String(pid), new Set([link])))
    .map(({ port }) => port);
  return [...new Set(ports)];
}

/** Listening sockets; `link` is as the links in /proc/PID/fd name them. */
function listeningSockets(): Array<{ readonly port: number; readonly link: string }> {
  return TABLES.flatMap((table) => readOrEmpty(table).split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTENING)
    .map((fields) => ({
      port: Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16),
      link: `socket:[${fields[9]}]`,
    }));
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
