/** One request from the wire to the reply: faults, key, limits, route, delays. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatorClock } from './clock.js';
import { between } from './dice.js';
import type { Fault, Faults } from './faults.js';
import { count } from './figures.js';
import type { Tally } from './figures.js';
import { methodOf } from './incoming.js';
import type { Ledger } from './ledger.js';
import type { Limits } from './limits.js';
import { drop, errorReply, html502, send, sendTruncated, shapeFor } from './replies.js';
import type { Reply } from './replies.js';
import type { Routes } from './routes.js';
import type { Switches } from './switches.js';
import type { Random } from '../domain/ports.js';

export interface KeptRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface ExchangeContext {
  readonly routes: Routes;
  readonly faults: Faults;
  readonly limits: Limits;
  readonly ledger: Ledger;
  readonly clock: SimulatorClock;
  readonly random: Random;
  readonly key: string | null;
  readonly switches: () => Switches;
  readonly requests: Tally;
  readonly replies: Tally;
  readonly keep: (request: KeptRequest) => void;
}

export type Exchange = (request: IncomingMessage, response: ServerResponse, url: URL, body: string) => void;

export function createExchange(context: ExchangeContext): Exchange {
  const { routes, faults, limits, ledger, clock, random, key, switches, requests, replies } = context;

  function later(response: ServerResponse, ms: number, run: () => void): void {
    if (ms <= 0) {
      run();
      return;
    }
    clock.after(ms, () => {
      if (!response.destroyed) run();
    });
  }

  function latency(): number {
    const { latencyMs } = switches();
    return typeof latencyMs === 'number' ? latencyMs : between(random, latencyMs[0], latencyMs[1] + 1);
  }

  function answer(response: ServerResponse, reply: Reply, deliver: (response: ServerResponse, reply: Reply) => void = send): void {
    count(replies, String(reply.status));
    later(response, latency(), () => deliver(response, reply));
  }

  return (request, response, url, body) => {
    const method = methodOf(request);
    const path = url.pathname;
    const found = routes.find(method, path);
    count(requests, found?.route.name ?? `${method} (unknown path)`);
    if (switches().keepRequests > 0) context.keep({ method, path, headers: request.headers, body });

    const content = parse(body);
    const to = found?.route.kind === 'create' ? numberOf(content) : null;

    function carryOut(): Reply {
      const authorization = request.headers.authorization;
      if (authorization === undefined || !authorization.startsWith('Bearer ') || (key !== null && authorization !== `Bearer ${key}`)) {
        return routes.fail(401, 'Invalid API Key');
      }
      if (found === null) return routes.fail(404, `Cannot ${method} ${path}`);
      const { route, id } = found;
      const refusal = route.kind === 'stop' ? null : limits.request(route.kind);
      if (refusal !== null) return routes.refuse(refusal, to);
      if (content === INVALID_JSON) return routes.fail(400, 'body is not valid JSON');
      return route.handle({ id, content, query: url.searchParams });
    }

    const fault = faults.choose({ path, to });
    if (fault === null) {
      answer(response, carryOut());
      return;
    }
    ledger.append({ event: 'fault', code: fault.kind, reason: path, ...(to === null ? {} : { to }) });
    apply(fault, response, carryOut);
  };

  function apply(fault: Fault, response: ServerResponse, carryOut: () => Reply): void {
    const failing = (status: number): Reply => {
      // The switch speaks for every 429, whatever brought it about.
      const seconds = fault.retryAfterSeconds ?? (status === 429 ? switches().retryAfterSeconds : null);
      const headers = seconds === null ? {} : { 'retry-after': String(seconds) };
      return errorReply(status, fault.message, fault.shape ?? shapeFor(status, switches().errorShape), headers);
    };
    switch (fault.kind) {
      case 'refuse':
        drop(response);
        return;
      case 'accept-drop':
        carryOut();
        drop(response);
        return;
      case 'accept-500':
        carryOut();
        answer(response, failing(500));
        return;
      case 'accept-late': {
        const reply = carryOut();
        later(response, fault.delayMs, () => answer(response, reply));
        return;
      }
      case 'accept-truncate':
        answer(response, carryOut(), sendTruncated);
        return;
      case 'slow':
        // Carried out even when the client has left by then, as a queue in front of the provider would: the late dial nobody waits for.
        clock.after(fault.delayMs, () => answer(response, carryOut()));
        return;
      case 'outage':
        if (fault.how === '503') answer(response, failing(503));
        else drop(response);
        return;
      case 'status':
        if (fault.accept) carryOut();
        answer(response, failing(fault.status));
        return;
      case 'html502':
        if (fault.accept) carryOut();
        answer(response, html502);
        return;
      case 'empty500':
        if (fault.accept) carryOut();
        answer(response, { status: 500 });
        return;
      case 'not-json': {
        const status = fault.accept ? carryOut().status : 200;
        answer(response, { status, text: 'OK', contentType: 'text/plain' });
        return;
      }
    }
  }
}

const INVALID_JSON = Symbol('invalid JSON');

function parse(body: string): unknown {
  if (body === '') return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return INVALID_JSON;
  }
}

function numberOf(content: unknown): string | null {
  if (typeof content !== 'object' || content === null || !('to_number' in content)) return null;
  return typeof content.to_number === 'string' ? content.to_number : null;
}
