/** What goes back over the wire, good and bad. */
import type { ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  /** undefined: no body. */
  readonly body?: unknown;
  /** Sent as it is instead of JSON. */
  readonly text?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type ErrorShape = 'message' | 'error_message' | 'error' | 'text' | 'none';

export const ok = (body: unknown): Reply => ({ status: 200, body });

export function errorReply(status: number, message: string, shape: ErrorShape, headers: Readonly<Record<string, string>> = {}): Reply {
  if (shape === 'none') return { status, headers };
  if (shape === 'text') return { status, text: message, contentType: 'text/plain', headers };
  if (shape === 'error_message') return { status, body: { error_message: message }, headers };
  if (shape === 'error') return { status, body: { error: message }, headers };
  return { status, body: { status: 'error', message }, headers };
}

export function shapeFor(status: number, setting: 'mixed' | 'message' | 'error_message'): ErrorShape {
  if (setting !== 'mixed') return setting;
  return status === 400 ? 'error_message' : 'message';
}

const HTML_502 =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n';

export const html502: Reply = { status: 502, text: HTML_502, contentType: 'text/html' };

function encode(reply: Reply): { readonly payload: Buffer; readonly headers: Record<string, string> } {
  const text = reply.text ?? (reply.body === undefined ? '' : JSON.stringify(reply.body));
  const payload = Buffer.from(text);
  const type = reply.contentType ?? (reply.body === undefined ? undefined : 'application/json; charset=utf-8');
  return {
    payload,
    headers: {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(reply.status === 204 ? {} : { 'content-length': String(payload.length) }),
      ...reply.headers,
    },
  };
}

export function send(response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return;
  const { payload, headers } = encode(reply);
  response.writeHead(reply.status, headers);
  response.end(payload);
}

/** Promises a whole body, sends half of it and hangs up. */
export function sendTruncated(response: ServerResponse, reply: Reply): void {
  const { payload, headers } = encode(reply);
  response.writeHead(reply.status, headers);
  response.write(payload.subarray(0, Math.floor(payload.length / 2)), () => response.socket?.destroy());
}

/** A reset instead of an orderly end: the client reads ECONNRESET. */
export function drop(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
