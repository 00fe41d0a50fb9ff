/** The listening socket, which an outage can take away (connection refused) and give back on the same port. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';

export interface Listener {
  readonly port: number;
  /** Refuses connections from now on and cuts those that are open. */
  down(): void;
  up(): void;
  close(): Promise<void>;
}

export async function listen(server: Server, host: string, port: number): Promise<Listener> {
  try {
    await listening(server, host, port);
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_PORT', `The simulator cannot listen on ${host}:${port}: ${messageOf(thrown)}`, {
      remedy: 'Choose another --port (0 takes any free one) or end what listens there.',
      exitCode: EXIT.failed,
      cause: thrown,
    });
  }
  const address = server.address() as AddressInfo;
  // Closing and opening take time; each waits for the one before it.
  let turn: Promise<void> = Promise.resolve();
  let wanted = true;
  let closed = false;

  const closing = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });

  function settle(): void {
    turn = turn.then(async () => {
      if (server.listening === (wanted && !closed)) return;
      if (server.listening) await closing();
      else if (!closed) await listening(server, host, address.port);
    });
  }

  return {
    port: address.port,
    down: () => {
      wanted = false;
      settle();
    },
    up: () => {
      wanted = true;
      settle();
    },
    close: async () => {
      closed = true;
      settle();
      await turn;
    },
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
