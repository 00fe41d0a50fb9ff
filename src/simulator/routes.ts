/** The provider's paths: each takes a read request and answers with a reply. Faults and delays are not their business. */
import { agentBody, callBody, concurrencyBody, phoneNumberBody } from './bodies.js';
import type { SimulatedCall } from './call.js';
import type { Calls } from './calls.js';
import type { SimulatorClock } from './clock.js';
import { DEFAULT_AGENT, readCreate, versionOf } from './create-request.js';
import type { Workspace } from './create-request.js';
import { Invalid } from './filter-forms.js';
import type { Ledger } from './ledger.js';
import type { Limits, Refusal, RequestKind } from './limits.js';
import { readList } from './list-request.js';
import { listPage } from './listing.js';
import { numberPage } from './number-listing.js';
import { errorReply, ok, shapeFor } from './replies.js';
import type { Reply } from './replies.js';
import type { Switches } from './switches.js';

export interface RouteContext {
  readonly calls: Calls;
  readonly limits: Limits;
  readonly ledger: Ledger;
  readonly clock: SimulatorClock;
  readonly seed: string;
  readonly workspace: Workspace;
  readonly switches: () => Switches;
}

export interface ApiRequest {
  /** The last part of the path, decoded, for routes that end in one. */
  readonly id: string;
  /** The parsed body; undefined where none was sent. */
  readonly content: unknown;
  readonly query: URLSearchParams;
}

export interface Route {
  /** As figures count it. */
  readonly name: string;
  readonly kind: RequestKind | 'stop';
  readonly handle: (request: ApiRequest) => Reply;
}

/** What an unlimited workspace says its limit is. */
const NO_LIMIT = 100_000;
const DEFAULT_NUMBER = '+15550100000';

const REFUSALS: Readonly<Record<Refusal, string>> = {
  concurrency: 'Concurrency limit reached. Please try again later.',
  calls_per_second: 'Calls per second limit reached.',
  requests: 'Too many requests, please try again later.',
};

export interface Routes {
  find(method: string, path: string): { readonly route: Route; readonly id: string } | null;
  fail(status: number, message: string): Reply;
  /** 429 with or without Retry-After, noted in the ledger. */
  refuse(refusal: Refusal, to: string | null): Reply;
}

export function createRoutes(context: RouteContext): Routes {
  const { calls, limits, ledger, clock, seed, workspace, switches } = context;

  const fail = (status: number, message: string): Reply => errorReply(status, message, shapeFor(status, switches().errorShape));

  function refuse(refusal: Refusal, to: string | null): Reply {
    const { retryAfterSeconds, errorShape } = switches();
    ledger.append({ event: 'refusal', reason: refusal, code: 429, ...(to === null ? {} : { to }) });
    const headers = retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) };
    return errorReply(429, REFUSALS[refusal], shapeFor(429, errorShape), headers);
  }

  function create({ content }: ApiRequest): Reply {
    const reading = readCreate(content, workspace);
    if (reading.kind === 'invalid') {
      ledger.append({ event: 'refusal', reason: 'invalid', code: reading.status });
      return fail(reading.status, reading.why);
    }
    const start = limits.start(calls.liveCount());
    if (start.refusal !== null) return refuse(start.refusal, reading.request.to);
    const call = calls.place(reading.request, start.rejected);
    const body = callBody(call, seed, { transcript: true });
    if (switches().instant) calls.finishNow(call);
    return { status: 201, body };
  }

  function withCall(id: string, use: (call: SimulatedCall) => Reply): Reply {
    const call = calls.get(id);
    return call === undefined ? fail(switches().unknownCall, `Cannot find requested asset under given api key: ${id}`) : use(call);
  }

  const get = ({ id }: ApiRequest): Reply => withCall(id, (call) => ok(callBody(call, seed, { transcript: true })));

  const stop = ({ id }: ApiRequest): Reply =>
    withCall(id, (call) => {
      if (call.live && call.startedAtMs === null && switches().stopRinging === 'refused') return fail(400, 'Call is not ongoing.');
      return calls.stop(call) ? { status: 204 } : fail(400, 'Call has already ended.');
    });

  function list({ content }: ApiRequest): Reply {
    const reading = readList(content);
    if (reading.kind === 'invalid') return fail(400, reading.why);
    return ok(listPage(reading.list, { calls, seed, switches: switches(), wallMs: clock.wallMs() }));
  }

  function listNumbers({ query }: ApiRequest): Reply {
    const page = numberPage(query, workspace.numbers ?? [DEFAULT_NUMBER]);
    if (page instanceof Invalid) return fail(400, page.message);
    return ok({
      items: page.numbers.map((number) => phoneNumberBody(number, agentId)),
      has_more: page.next !== null,
      ...(page.next === null ? {} : { pagination_key: page.next }),
    });
  }

  const agentId = workspace.agents?.[0] ?? DEFAULT_AGENT;

  const exact: Readonly<Record<string, Route>> = {
    'POST /v2/create-phone-call': { name: 'POST /v2/create-phone-call', kind: 'create', handle: create },
    'POST /v3/list-calls': { name: 'POST /v3/list-calls', kind: 'list', handle: list },
    'GET /get-concurrency': {
      name: 'GET /get-concurrency',
      kind: 'read',
      handle: () => ok(concurrencyBody(calls.liveCount(), switches().concurrency ?? NO_LIMIT)),
    },
    'GET /v2/list-phone-numbers': {
      name: 'GET /v2/list-phone-numbers',
      kind: 'read',
      handle: listNumbers,
    },
    'GET /get-api-key-info': {
      name: 'GET /get-api-key-info',
      kind: 'read',
      handle: () => ok({ api_key_name: 'simulated', org_name: 'Simulated workspace' }),
    },
  };

  const withId: readonly { readonly method: string; readonly prefix: string; readonly route: Route }[] = [
    { method: 'GET', prefix: '/v2/get-call/', route: { name: 'GET /v2/get-call/:id', kind: 'read', handle: get } },
    { method: 'POST', prefix: '/v2/stop-call/', route: { name: 'POST /v2/stop-call/:id', kind: 'stop', handle: stop } },
    {
      method: 'GET',
      prefix: '/get-agent/',
      route: {
        name: 'GET /get-agent/:id',
        kind: 'read',
        handle: ({ id, query }) =>
          workspace.agents === null || workspace.agents.includes(id)
            ? ok(agentBody(id, versionOf(query.get('version'))))
            : fail(422, `agent ${id} not found`),
      },
    },
    {
      method: 'GET',
      prefix: '/get-phone-number/',
      route: {
        name: 'GET /get-phone-number/:number',
        kind: 'read',
        handle: ({ id }) =>
          workspace.numbers === null || workspace.numbers.includes(id)
            ? ok(phoneNumberBody(id, agentId))
            : fail(422, `phone number ${id} not found`),
      },
    },
  ];

  return {
    fail,
    refuse,
    find: (method, path) => {
      const route = exact[`${method} ${path}`];
      if (route !== undefined) return { route, id: '' };
      const found = withId.find((entry) => entry.method === method && path.startsWith(entry.prefix));
      if (found === undefined) return null;
      const id = decoded(path.slice(found.prefix.length));
      return id === '' || id.includes('/') ? null : { route: found.route, id };
    },
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
