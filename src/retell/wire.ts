/**
 * One HTTP request, sent at most once, and what is known about it afterwards. The only file that knows undici.
 * It answers the question everything else depends on: can a byte of this request have left the machine?
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { buildConnector, Dispatcher } from 'undici';
import { Pool } from 'undici';

export interface WireOptions {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: number;
  /** Idle connections are closed after this, before the other side does: a request written into a closing one is lost without proof. */
  readonly keepAliveMs: number;
  readonly connectTimeoutMs: number;
  /** How connections are made, for tests. */
  readonly connect?: buildConnector.connector;
}

export interface WireRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  /** For each of the two stages: waiting for a connection, and waiting for the whole reply. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Asked once, in the same turn of the event loop in which the first byte would be written. */
  readonly mayStillSend?: () => boolean;
}

export type Exchange =
  | { readonly kind: 'reply'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string }
  /** No byte was written. */
  | { readonly kind: 'unsent'; readonly why: string }
  /** The guard said no; no byte was written. */
  | { readonly kind: 'dropped' }
  /** Bytes may have arrived; `status` is there when the reply broke off after its headers. */
  | { readonly kind: 'broken'; readonly status: number | null; readonly headers: IncomingHttpHeaders; readonly why: string };

export interface Wire {
  send(request: WireRequest): Promise<Exchange>;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;

export function createWire(options: WireOptions): Wire {
  const base = new URL(options.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const pool = new Pool(base.origin, {
    connections: options.connections,
    // One request per connection at a time: behind another one it could be lost with it, or be sent again after it.
    pipelining: 1,
    keepAliveTimeout: options.keepAliveMs,
    keepAliveMaxTimeout: options.keepAliveMs,
    keepAliveTimeoutThreshold: 1_000,
    // Deadlines are ours: undici's own timers are coarse by half a second.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: options.connect ?? { timeout: options.connectTimeoutMs },
  });

  const send = (request: WireRequest): Promise<Exchange> =>
    new Promise((resolve) => {
      let settled = false;
      let sent = false;
      let control: Dispatcher.DispatchController | null = null;
      let status: number | null = null;
      let headers: IncomingHttpHeaders = {};
      let size = 0;
      const chunks: Buffer[] = [];

      const settle = (exchange: Exchange): void => {
        if (settled) return;
        settled = true;
        clearTimeout(deadline);
        request.signal?.removeEventListener('abort', onAbort);
        resolve(exchange);
      };
      const fail = (why: string): void => {
        settle(sent ? { kind: 'broken', status, headers, why } : { kind: 'unsent', why });
        control?.abort(new Error(why));
      };
      const onAbort = (): void => fail('given up by us');
      let deadline = setTimeout(() => fail(`no connection within ${request.timeoutMs} ms`), request.timeoutMs);
      if (request.signal?.aborted === true) return onAbort();
      request.signal?.addEventListener('abort', onAbort);

      const handler: Dispatcher.DispatchHandler = {
        // Called before the request is written, and again whenever undici means to write it again: the second time must not happen.
        onRequestStart(controller) {
          if (sent) fail('the connection was lost after the request was sent');
          if (settled) return controller.abort(new Error('not sent: given up before'));
          if (request.mayStillSend !== undefined && !asked(request.mayStillSend)) {
            settle({ kind: 'dropped' });
            return controller.abort(new Error('not sent: too late'));
          }
          sent = true;
          control = controller;
          clearTimeout(deadline);
          deadline = setTimeout(() => fail(`no reply within ${request.timeoutMs} ms`), request.timeoutMs);
        },
        onResponseStart(_controller, code, received) {
          if (code < 200) return;
          status = code;
          headers = received;
          if (Number(received['content-length']) > MAX_BODY_BYTES) fail('the reply is too large');
        },
        onResponseData(_controller, chunk) {
          size += chunk.length;
          if (size > MAX_BODY_BYTES) return fail('the reply is too large');
          chunks.push(chunk);
        },
        onResponseEnd() {
          if (status === null) return fail('the reply had no status');
          settle({ kind: 'reply', status, headers, text: Buffer.concat(chunks).toString('utf8') });
        },
        onResponseError(_controller, error) {
          fail(faultOf(error));
        },
      };

      try {
        pool.dispatch(
          {
            method: request.method,
            path: prefix + request.path,
            headers: { ...options.headers, ...(request.body === undefined ? {} : { 'content-type': 'application/json' }) },
            body: request.body ?? null,
            idempotent: request.method === 'GET',
          },
          handler,
        );
      } catch (error) {
        fail(faultOf(error));
      }
    });

  return { send, close: () => pool.destroy() };
}

/** A guard that throws does not know, and who does not know must not dial. */
function asked(mayStillSend: () => boolean): boolean {
  try {
    return mayStillSend();
  } catch {
    return false;
  }
}

/** With two address families a refused connection is an AggregateError without a text: its code is all there is. */
function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown fault';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return [code, error.message].filter((part) => part !== '').join(': ') || error.name;
}
