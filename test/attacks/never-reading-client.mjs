// Connections to a port of this machine that never read. A connection that is cut is opened again. It ends after a time.
// Arguments: port, connections, duration in milliseconds, `flood` (send the bytes over and over, as fast as the other side
// takes them) or `hold` (send them once), and the bytes in base64.
import { connect } from 'node:net';

const [port, count, durationMs, mode, base64] = process.argv.slice(2);
if (base64 === undefined) throw new Error('usage: PORT CONNECTIONS DURATION_MS flood|hold BYTES_BASE64');

/** As much as one read of the server takes. */
const READ_BYTES = 64 * 1024;
/** How long a connection that was cut waits before it comes back. */
const RETURN_AFTER_MS = 50;

const unit = Buffer.from(base64, 'base64');
const times = mode === 'flood' ? Math.max(1, Math.floor(READ_BYTES / unit.length)) : 1;
const block = Buffer.alloc(times * unit.length, unit);
const figures = { connected: 0, cut: 0, writtenBytes: 0 };
/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
let isOver = false;

function open() {
  if (isOver) return;
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  sockets.add(socket);
  socket.pause();
  const pour = () => {
    while (!socket.destroyed && !isOver && socket.write(block) && mode === 'flood');
  };
  socket.on('connect', () => {
    figures.connected++;
    pour();
  });
  if (mode === 'flood') socket.on('drain', pour);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    sockets.delete(socket);
    figures.cut++;
    figures.writtenBytes += socket.bytesWritten;
    setTimeout(open, RETURN_AFTER_MS);
  });
}

for (let index = 0; index < Number(count); index++) open();
setTimeout(() => {
  isOver = true;
  for (const socket of sockets) figures.writtenBytes += socket.bytesWritten;
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
}, Number(durationMs));
