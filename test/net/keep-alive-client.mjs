// One connection that sends each request the moment it has read the last byte of the answer to the one before.
// Arguments: port and how often; the request comes on standard input. Prints the statuses and how often each came.
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';

const [port, count] = process.argv.slice(2);
if (count === undefined) throw new Error('usage: PORT COUNT < REQUEST');

const request = await buffer(process.stdin);
/** @type {Record<string, number>} */
const statuses = {};
let answered = 0;
let head = '';
/** Bytes of the body still to come; undefined while the head is being read. @type {number | undefined} */
let missing;

const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
socket.on('connect', () => socket.write(request));
socket.on('error', ({ message }) => finish(message));
socket.on('close', () => finish('the connection was closed'));
socket.on('data', (chunk) => {
  let rest = chunk;
  if (missing === undefined) {
    const before = head.length;
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return;
    missing = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1]);
    rest = chunk.subarray(end + 4 - before);
  }
  missing -= rest.length;
  if (missing > 0) return;
  const status = head.slice(9, 12);
  statuses[status] = (statuses[status] ?? 0) + 1;
  head = '';
  missing = undefined;
  answered++;
  if (answered < Number(count)) socket.write(request);
  else finish(undefined);
});

/** @param {string | undefined} failure */
function finish(failure) {
  process.stdout.write(JSON.stringify({ statuses, failure }), () => process.exit(0));
}
