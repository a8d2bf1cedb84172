import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** The kernel's name of its program: at most 15 characters. */
  readonly program: string;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** TCP_LISTEN in the kernel's include/net/tcp_states.h. */
const LISTENING = '0A';

/**
 * The processes that listen on a TCP port, on any address. Only root sees processes of other users. Reading /proc
 * blocks for some milliseconds, so call this only before the process ends. Never throws.
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

/** The TCP ports on which a process listens; none if this user may not see its open files. Never throws. */
export function portsHeldBy(pid: number): number[] {
  const ports = listeningSockets()
    .filter(({ link }) => holdsOneOf(String(pid), new Set([link])))
    .map(({ port }) => port);
  return [...new Set(ports)];
}

/** Listening sockets. `link` is the target of the links in /proc/PID/fd. */
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
    // The process belongs to another user, or has ended.
    return false;
  }
}

/** A host without IPv6 has no second table, and a process may end in the meantime. */
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
