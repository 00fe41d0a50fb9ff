/**
 * Closes a hole in the driver. A command that is written in the moment its socket is being destroyed gets `false` from `write` and then waits
 * for `drain` or `error`; neither comes any more, no socket timeout runs on a destroyed socket, and the connection never returns to the pool.
 * After a few restarts of the database the daemon would stand still. So the socket's end is told to whoever still waits for it to drain.
 */
import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';
import tls from 'node:tls';

/** Once per process, before the first client. */
export function endWritesOfClosedSockets(): void {
  if (installed) return;
  installed = true;
  subscribe('net.client.socket', (message) => {
    if (isCreation(message)) watch(message.socket);
  });
  // Node announces plain and Unix sockets on that channel, those with TLS nowhere.
  const connect = tls.connect.bind(tls) as (...args: unknown[]) => tls.TLSSocket;
  Object.assign(tls, {
    connect: (...args: unknown[]): tls.TLSSocket => {
      const socket = connect(...args);
      watch(socket);
      return socket;
    },
  });
}

let installed = false;

function watch(socket: Socket): void {
  if (!isOfTheDriver()) return;
  // The driver's own listener comes after this one and closes the connection; the order does not matter to either.
  socket.once('close', () => {
    if (socket.listenerCount('drain') > 0) socket.emit('error', new Error('the connection was closed while a command was being written'));
  });
}

/** Other clients know how to wait for their sockets. A connection is made seldom: a look at the stack costs nothing that counts. */
function isOfTheDriver(): boolean {
  return /[\\/]node_modules[\\/]mongodb[\\/]/.test(new Error().stack ?? '');
}

function isCreation(message: unknown): message is { readonly socket: Socket } {
  return typeof message === 'object' && message !== null && 'socket' in message && message.socket instanceof Socket;
}
