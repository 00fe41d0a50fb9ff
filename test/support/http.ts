/** Servers on loopback that do what a test tells them, and remember what they were sent. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HttpServer {
  readonly url: string;
  readonly received: Received[];
  /** Resolves when so many requests have come in, counted from the start. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export type Answer = (request: Received, response: ServerResponse, index: number) => void;

export async function startHttp(answer: Answer): Promise<HttpServer> {
  const received: Received[] = [];
  const waiting: { count: number; done: () => void }[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      received.push(one);
      for (const waiter of waiting) if (received.length >= waiter.count) waiter.done();
      answer(one, response, received.length - 1);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    received,
    arrived: (count) =>
      new Promise((done) => {
        if (received.length >= count) done();
        else waiting.push({ count, done });
      }),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export interface TcpServer {
  readonly port: number;
  readonly url: string;
  /** Bytes received over all connections. */
  bytes(): number;
  text(): string;
  connections(): number;
  /** Resolves at the first byte. */
  readonly firstByte: Promise<void>;
  readonly firstConnection: Promise<void>;
  close(): Promise<void>;
}

/** A server without a protocol: it counts what really crosses the connection. `onData` sees each piece and may answer or reset. */
export async function startTcp(onData: (socket: Socket, soFar: string) => void = () => {}): Promise<TcpServer> {
  const sockets = new Set<Socket>();
  let bytes = 0;
  let text = '';
  let connections = 0;
  let gotByte = (): void => {};
  let gotConnection = (): void => {};
  const firstByte = new Promise<void>((done) => (gotByte = done));
  const firstConnection = new Promise<void>((done) => (gotConnection = done));
  const server = createTcpServer((socket) => {
    connections += 1;
    sockets.add(socket);
    gotConnection();
    let soFar = '';
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      text += chunk.toString();
      soFar += chunk.toString();
      gotByte();
      onData(socket, soFar);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const port = portOf(server.address());
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    bytes: () => bytes,
    text: () => text,
    connections: () => connections,
    firstByte,
    firstConnection,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await startTcp();
  await server.close();
  return server.port;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}
