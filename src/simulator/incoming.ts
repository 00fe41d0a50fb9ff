/** A request as it comes off the wire: its body, and the address it was meant for. */
import type { IncomingMessage } from 'node:http';

const BODY_LIMIT_BYTES = 2_000_000;

/** null: larger than the limit. Such a body is read to its end all the same: a client that is cut off while it writes never sees the reply. */
export function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > BODY_LIMIT_BYTES) chunks = [];
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(length > BODY_LIMIT_BYTES ? null : Buffer.concat(chunks).toString('utf8')));
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('the client hung up')));
  });
}

/** null: no address at all. A path is joined, not resolved, because a resolver takes `//x` for the name of a host. */
export function targetOf(request: IncomingMessage): URL | null {
  const target = request.url ?? '/';
  try {
    return new URL(/^https?:\/\//i.test(target) ? target : `http://simulator${target.startsWith('/') ? '' : '/'}${target}`);
  } catch {
    return null;
  }
}

/** A HEAD is a GET whose body Node leaves out. */
export const methodOf = (request: IncomingMessage): string => (request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET'));
