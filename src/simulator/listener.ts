/** The listening socket, which an outage can take away (connection refused) and give back on the same port. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';

export interface Listener {
  readonly port: number;
  /** Refuses connections from now on and cuts those that are open. */
  down(): void;
  /** Takes the port again, as soon as it can be had. */
  up(): void;
  close(): Promise<void>;
}

/** While the port was given away, another program may have taken it. */
const TRY_AGAIN_MS = 100;

/** `onTrouble` hears once per outage that the port cannot be had yet. */
export async function listen(server: Server, host: string, port: number, onTrouble: (why: string) => void): Promise<Listener> {
  try {
    await listening(server, host, port);
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_PORT', `The simulator cannot listen on ${host}:${port}: ${messageOf(thrown)}`, {
      remedy: 'Choose another --port (0 takes any free one) or end what listens there.',
      exitCode: EXIT.failed,
      cause: thrown,
    });
  }
  // Without a listener, an error while it serves (no more files may be opened) would end the host.
  server.on('error', () => undefined);
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

  async function opening(first: boolean): Promise<void> {
    try {
      await listening(server, host, address.port);
    } catch (thrown) {
      if (first) onTrouble(`The simulator cannot listen on ${host}:${address.port} again yet: ${messageOf(thrown)}`);
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }

  async function adjust(): Promise<void> {
    for (let tries = 0; server.listening !== (wanted && !closed); tries += 1) {
      if (server.listening) await closing();
      else await opening(tries === 0);
    }
  }

  function settle(): void {
    turn = turn.then(adjust);
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
    const done = (): void => {
      server.removeListener('error', failed);
      resolve();
    };
    const failed = (thrown: Error): void => {
      server.removeListener('listening', done);
      reject(thrown);
    };
    server.once('error', failed);
    server.once('listening', done);
    server.listen(port, host);
  });
}
