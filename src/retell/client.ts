/** The provider's API as the runner needs it. Places a call with one POST and never a second; asks everything else patiently. */
import { setMaxListeners } from 'node:events';
import type { CallReading } from '../domain/call.js';
import type { Clock, Log, Random } from '../domain/ports.js';
import type { Bucket } from './bucket.js';
import { createBucket } from './bucket.js';
import { retryAfterMs } from './faults.js';
import type { JsonRecord } from './json.js';
import { numberOf, recordOf, textOf } from './json.js';
import type { Unmarked } from './lists.js';
import { isIt, listAll, mayBe, PAGE_SIZE, wentTo } from './lists.js';
import type { CallOrder } from './order.js';
import { orderBody } from './order.js';
import type { Path } from './paths.js';
import { PATHS } from './paths.js';
import { readCall } from './reading.js';
import type { Answer, ConcurrencyReply, ListReply, PlaceReply, ProbeReply, ReadReply, StopReply } from './replies.js';
import { judgeAnswer, judgePlace } from './replies.js';
import type { RetryPolicyLike } from './retry.js';
import { withRetries } from './retry.js';
import type { Exchange, Wire, WireRequest } from './wire.js';
import { createWire } from './wire.js';

export type { CallOrder } from './order.js';
export type { ConcurrencyReply, ListReply, PlaceReply, ProbeReply, ReadReply, StopReply } from './replies.js';
export type { RetryPolicyLike } from './retry.js';

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

export interface RetellOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly timeoutMs: number;
  readonly read: RetryPolicyLike;
  readonly list: RetryPolicyLike;
  readonly stop: RetryPolicyLike;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly connections?: number;
  /** Requests that are not creates; left out: what the provider is said to allow, with a margin. */
  readonly limits?: { readonly read?: RateLimit; readonly list?: RateLimit; readonly stop?: RateLimit };
}

export interface Retell {
  /**
   * One POST, never a second. `mayStillSend` is asked once, in the moment before the first byte would leave; on false nothing is sent.
   * What is not proof of a refusal is `ambiguous`.
   */
  place(order: CallOrder, mayStillSend: () => boolean): Promise<PlaceReply>;
  read(callId: string, signal?: AbortSignal): Promise<ReadReply>;
  listByIds(callIds: readonly string[], signal?: AbortSignal): Promise<ListReply>;
  /**
   * Calls whose metadata names this attempt, whatever their state and time. `unmarked`: where a call comes back without any metadata, not
   * even when read by itself, it is the attempt's if it went to this number since then.
   */
  listByAttempt(attemptId: string, signal?: AbortSignal, unmarked?: Unmarked): Promise<ListReply>;
  /** Calls to a number that began after `since`, and those that never began: only the caller can judge their time. */
  listByNumber(to: string, since: Date, signal?: AbortSignal): Promise<ListReply>;
  stop(callId: string, signal?: AbortSignal): Promise<StopReply>;
  concurrency(signal?: AbortSignal): Promise<ConcurrencyReply>;
  /** Asks only whether the key is good. */
  probe(signal?: AbortSignal): Promise<ProbeReply>;
  close(): Promise<void>;
}

const DEFAULT_CONNECTIONS = 64;
/** Measured in ten seconds the provider is said to bear 100 reads and 30 lists; several processes may share that. */
const DEFAULT_LIMITS = { read: { perSecond: 8, burst: 20 }, list: { perSecond: 2.5, burst: 5 }, stop: { perSecond: 8, burst: 20 } };
const LONGEST_PENALTY_MS = 60_000;
/** Servers drop idle connections after five seconds and more. A create must not meet one that is being dropped, a read may. */
const KEEP_ALIVE_MS = { create: 2_000, ask: 15_000 };
const LONGEST_CONNECT_MS = 10_000;
/** Calls listed without metadata are read one by one; more of them than this means that something else is wrong. */
const MAX_SINGLE_READS = 20;

type Kind = 'read' | 'list' | 'stop';

interface Question {
  readonly kind: Kind;
  readonly method: 'GET' | 'POST';
  readonly path: Path;
  readonly body?: JsonRecord;
  readonly policy?: RetryPolicyLike;
  readonly ids?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const ONCE: RetryPolicyLike = { tries: 1, delayMs: 0, factor: 1, maxDelayMs: 0, jitter: 0, honourRetryAfter: false };

export function createRetell(options: RetellOptions): Retell {
  const { clock, random, timeoutMs } = options;
  const log = options.log.child('retell');
  const closing = new AbortController();
  // Every question that is under way listens to it.
  setMaxListeners(0, closing.signal);
  const wireFor = (keepAliveMs: number): Wire =>
    createWire({
      baseUrl: options.baseUrl,
      headers: {
        authorization: `Bearer ${options.apiKey}`,
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'speechai',
      },
      connections: options.connections ?? DEFAULT_CONNECTIONS,
      keepAliveMs,
      connectTimeoutMs: Math.min(timeoutMs, LONGEST_CONNECT_MS),
    });
  // Creates have connections of their own, so that a burst of reads never makes one miss its moment.
  const createWireOnly = wireFor(KEEP_ALIVE_MS.create);
  const askWire = wireFor(KEEP_ALIVE_MS.ask);
  const bucketFor = (kind: Kind): Bucket => createBucket({ ...(options.limits?.[kind] ?? DEFAULT_LIMITS[kind]), clock });
  const buckets: Record<Kind, Bucket> = { read: bucketFor('read'), list: bucketFor('list'), stop: bucketFor('stop') };

  const send = async (wire: Wire, path: Path, request: Omit<WireRequest, 'path' | 'timeoutMs'>, ids: JsonRecord): Promise<Exchange> => {
    const since = clock.mark();
    const exchange = withoutKey(await wire.send({ ...request, path: path.path, timeoutMs }), options.apiKey);
    log.debug('request', {
      ...ids,
      method: request.method,
      path: path.template,
      status: 'status' in exchange ? exchange.status : null,
      result: exchange.kind,
      duration_ms: Math.round(clock.elapsedMs(since)),
    });
    return exchange;
  };

  const ask = (question: Question): Promise<Answer> => whileEither(question.signal, closing.signal, (signal) => askUntil(question, signal));

  const askUntil = (question: Question, signal: AbortSignal): Promise<Answer> =>
    withRetries(question.policy ?? options[question.kind], { clock, random, signal }, async () => {
      const bucket = buckets[question.kind];
      if (!(await bucket.take(signal))) {
        return { value: { kind: 'unavailable', message: 'given up by us', retryAfterMs: null }, again: false, retryAfterMs: null };
      }
      const body = question.body === undefined ? {} : { body: JSON.stringify(question.body) };
      const exchange = await send(askWire, question.path, { method: question.method, signal, ...body }, question.ids ?? {});
      const asked = 'headers' in exchange ? retryAfterMs(exchange.headers, clock.now()) : null;
      // The others of this kind would only be refused as well.
      if ('status' in exchange && exchange.status === 429) bucket.penalise(Math.min(asked ?? 1_000, LONGEST_PENALTY_MS));
      return { value: judgeAnswer(exchange, clock.now()), again: isWorthAsking(exchange), retryAfterMs: asked };
    });

  const read = async (callId: string, signal?: AbortSignal): Promise<ReadReply> => {
    const answer = await ask({ kind: 'read', method: 'GET', path: PATHS.getCall(callId), ids: { call_id: callId }, signal });
    if (answer.kind !== 'good') return answer;
    const call = readCall(answer.json);
    // A reading of another call must never settle this one.
    if (call?.callId === callId) return { kind: 'call', call };
    return { kind: 'unavailable', message: 'a reply that is not this call', retryAfterMs: null };
  };

  const list = (filter: JsonRecord, signal: AbortSignal | undefined, ids: Readonly<Record<string, string>> = {}): Promise<ListReply> =>
    listAll(filter, (body) => ask({ kind: 'list', method: 'POST', path: PATHS.listCalls, body, ids, signal }));

  return {
    read,

    async place(order, mayStillSend) {
      const request = { method: 'POST' as const, body: JSON.stringify(orderBody(order)), mayStillSend };
      const attemptId = textOf(order.metadata['attempt_id']);
      const exchange = await send(createWireOnly, PATHS.createCall, request, attemptId === null ? {} : { attempt_id: attemptId });
      const reply = judgePlace(exchange, clock.now());
      const named = reply.kind === 'placed' ? reply.call.metadata?.['attempt_id'] : undefined;
      // Taken at its word, one call would be followed, and paid for, as two.
      if (typeof named === 'string' && named !== attemptId)
        return { kind: 'ambiguous', message: 'a reply about another call', httpStatus: null };
      return reply;
    },

    async listByIds(callIds, signal) {
      const wanted = new Set(callIds);
      const ids = [...wanted];
      const calls: CallReading[] = [];
      let complete = true;
      for (let from = 0; from < ids.length; from += PAGE_SIZE) {
        const value = ids.slice(from, from + PAGE_SIZE);
        const reply = await list({ call_id: { type: 'enum', op: 'in', value } }, signal);
        if (reply.kind === 'account') return reply;
        if (reply.kind === 'unavailable') {
          if (calls.length === 0) return reply;
          return { kind: 'calls', calls, complete: false };
        }
        calls.push(...reply.calls.filter((call) => wanted.has(call.callId)));
        complete &&= reply.complete;
      }
      return { kind: 'calls', calls, complete };
    },

    async listByAttempt(attemptId, signal, unmarked) {
      const filter = { metadata: [{ key: 'attempt_id', type: 'string', op: 'eq', value: attemptId }] };
      const reply = await list(filter, signal, { attempt_id: attemptId });
      if (reply.kind !== 'calls') return reply;
      // Checked here as well: were the filter ignored one day, every job would adopt somebody else's call.
      const mine = reply.calls.filter((call) => call.metadata?.['attempt_id'] === attemptId);
      // By number and time first, where those are asked for: the list of a provider that honours no filter is that of the whole workspace.
      const bare = reply.calls.filter((call) => call.metadata === null && (unmarked === undefined || mayBe(call, unmarked)));
      let complete = reply.complete && bare.length <= MAX_SINGLE_READS;
      for (const { callId } of bare.slice(0, MAX_SINGLE_READS)) {
        const single = await read(callId, signal);
        if (single.kind === 'account') return single;
        if (single.kind !== 'call') complete = false;
        else if (single.call.metadata?.['attempt_id'] === attemptId || isIt(single.call, unmarked)) mine.push(single.call);
      }
      return { kind: 'calls', calls: mine, complete };
    },

    async listByNumber(to, since, signal) {
      const reply = await list({ to_number: { type: 'string', op: 'eq', value: to } }, signal);
      if (reply.kind !== 'calls') return reply;
      const calls = reply.calls.filter((call) => wentTo(call, { to, since }));
      return { ...reply, calls };
    },

    async stop(callId, signal) {
      const answer = await ask({ kind: 'stop', method: 'POST', path: PATHS.stopCall(callId), ids: { call_id: callId }, signal });
      return answer.kind === 'good' ? { kind: 'stopped' } : answer;
    },

    async concurrency(signal) {
      const answer = await ask({ kind: 'read', method: 'GET', path: PATHS.concurrency, signal });
      return answer.kind === 'good' ? headroomOf(answer.json) : { kind: 'unknown', message: answer.message };
    },

    async probe(signal) {
      // Once only: whoever probes has a patience of his own.
      const answer = await ask({ kind: 'read', method: 'GET', path: PATHS.keyInfo, policy: ONCE, signal });
      // Where that path is not known, a list of one call tells as well: dialling must not stay stopped for want of a door to knock at.
      const known =
        answer.kind === 'absent'
          ? await ask({ kind: 'list', method: 'POST', path: PATHS.listCalls, body: { limit: 1 }, policy: ONCE, signal })
          : answer;
      return known.kind === 'good' ? 'ok' : known.kind === 'account' ? 'account' : 'unavailable';
    },

    async close() {
      closing.abort();
      await Promise.all([createWireOnly.close(), askWire.close()]);
    },
  };
}

/** One signal for two, let go of afterwards: `AbortSignal.any` leaves a trace on a signal that lives as long as the process. */
async function whileEither<T>(one: AbortSignal | undefined, other: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  if (one === undefined) return work(other);
  const both = new AbortController();
  const abort = (): void => both.abort();
  if (one.aborted || other.aborted) abort();
  one.addEventListener('abort', abort);
  other.addEventListener('abort', abort);
  try {
    return await work(both.signal);
  } finally {
    one.removeEventListener('abort', abort);
    other.removeEventListener('abort', abort);
  }
}

/** Faults that may pass; a 4xx stays what it is. */
function isWorthAsking(exchange: Exchange): boolean {
  if (exchange.kind === 'unsent' || exchange.kind === 'broken') return true;
  return exchange.kind === 'reply' && (exchange.status === 408 || exchange.status === 429 || exchange.status >= 500);
}

/** A provider that quotes the key it refuses would put it into our log. */
function withoutKey(exchange: Exchange, apiKey: string): Exchange {
  if (exchange.kind !== 'reply' || exchange.status < 300 || apiKey === '') return exchange;
  return { ...exchange, text: exchange.text.replaceAll(apiKey, '[key]') };
}

function headroomOf(json: unknown): ConcurrencyReply {
  const raw = recordOf(json);
  const current = numberOf(raw?.['current_concurrency']);
  const burst = raw?.['concurrency_burst_enabled'] === true ? numberOf(raw['concurrency_burst_limit']) : null;
  const limit = burst ?? numberOf(raw?.['concurrency_limit']);
  if (current === null || limit === null) return { kind: 'unknown', message: 'the reply names no limit' };
  const reserved = numberOf(raw?.['reserved_inbound_concurrency']) ?? 0;
  return { kind: 'headroom', free: Math.max(0, limit - reserved - current), limit, current };
}
