/** What the client answers, and what a reply proves. */
import type { CallReading } from '../domain/call.js';
import { faultText, clean, retryAfterMs } from './faults.js';
import { parseJson } from './json.js';
import { readCall } from './reading.js';
import type { Exchange } from './wire.js';

export type Refusal = 'request' | 'account' | 'rate' | 'unreachable';

export type PlaceReply =
  | { readonly kind: 'placed'; readonly call: CallReading }
  /** Proof that nothing was placed. */
  | {
      readonly kind: 'refused';
      readonly refusal: Refusal;
      readonly httpStatus: number | null;
      readonly message: string;
      readonly retryAfterMs: number | null;
    }
  /** A call may exist: reconcile, never post again. */
  | { readonly kind: 'ambiguous'; readonly message: string; readonly httpStatus: number | null }
  /** The guard said no: no byte was sent. */
  | { readonly kind: 'dropped' };

export interface AccountFault {
  readonly kind: 'account';
  readonly message: string;
}

export interface Unavailable {
  readonly kind: 'unavailable';
  readonly message: string;
  readonly retryAfterMs: number | null;
}

export interface Absent {
  readonly kind: 'absent';
  readonly message: string;
}

export type ReadReply = { readonly kind: 'call'; readonly call: CallReading } | Absent | AccountFault | Unavailable;

/** `complete`: every page was a good reply to the very end, so that what is not in it was not there. */
export type ListReply = { readonly kind: 'calls'; readonly calls: CallReading[]; readonly complete: boolean } | AccountFault | Unavailable;

/** `absent`: the provider knows nothing to stop. That is no proof that the call is over: read it. */
export type StopReply = { readonly kind: 'stopped' } | Absent | AccountFault | Unavailable;

export type ConcurrencyReply =
  | { readonly kind: 'headroom'; readonly free: number; readonly limit: number; readonly current: number }
  | { readonly kind: 'unknown'; readonly message: string };

export type ProbeReply = 'ok' | 'account' | 'unavailable';

const REFUSALS: Readonly<Record<number, Refusal>> = {
  400: 'request',
  404: 'request',
  422: 'request',
  // The request never reached what places calls: it was turned away for its form.
  405: 'request',
  411: 'request',
  413: 'request',
  414: 'request',
  415: 'request',
  431: 'request',
  401: 'account',
  402: 'account',
  403: 'account',
  429: 'rate',
  // Something in front of the provider wants us elsewhere or wants a login: a wrong base URL or proxy, never the job's fault.
  301: 'unreachable',
  307: 'unreachable',
  308: 'unreachable',
  407: 'unreachable',
};

/** Only what is known to prove a refusal is one; whatever else comes back may hide a call that rings. */
export function judgePlace(exchange: Exchange, now: Date): PlaceReply {
  if (exchange.kind === 'dropped') return { kind: 'dropped' };
  if (exchange.kind === 'unsent') {
    return { kind: 'refused', refusal: 'unreachable', httpStatus: null, message: clean(exchange.why), retryAfterMs: null };
  }
  const { status } = exchange;
  const refusal = status === null ? undefined : REFUSALS[status];
  if (refusal !== undefined) {
    return { kind: 'refused', refusal, httpStatus: status, message: saidBy(exchange), retryAfterMs: retryAfterMs(exchange.headers, now) };
  }
  if (exchange.kind === 'broken') return { kind: 'ambiguous', message: clean(exchange.why), httpStatus: status };
  if (!isGood(exchange.status)) return { kind: 'ambiguous', message: saidBy(exchange), httpStatus: status };
  const call = readCall(parseJson(exchange.text));
  if (call === null) return { kind: 'ambiguous', message: `a reply without a call_id: ${faultText(exchange.text)}`, httpStatus: status };
  return { kind: 'placed', call };
}

export type Answer = { readonly kind: 'good'; readonly json: unknown } | Absent | AccountFault | Unavailable;

const ACCOUNT_STATUS = new Set([401, 402, 403]);
/** 400 stands beside the documented ones: what the provider does not take for an id of its own, it does not know either. */
const ABSENT_STATUS = new Set([400, 404, 410, 422]);

/** For everything that may be asked again: reads, lists, stops. */
export function judgeAnswer(exchange: Exchange, now: Date): Answer {
  if (exchange.kind === 'dropped') return { kind: 'unavailable', message: 'not sent', retryAfterMs: null };
  if (exchange.kind === 'unsent') return { kind: 'unavailable', message: clean(exchange.why), retryAfterMs: null };
  const { status } = exchange;
  if (status !== null && ACCOUNT_STATUS.has(status)) return { kind: 'account', message: saidBy(exchange) };
  if (status !== null && ABSENT_STATUS.has(status)) return { kind: 'absent', message: saidBy(exchange) };
  if (exchange.kind === 'reply' && isGood(exchange.status)) return { kind: 'good', json: parseJson(exchange.text) };
  return { kind: 'unavailable', message: saidBy(exchange), retryAfterMs: retryAfterMs(exchange.headers, now) };
}

const isGood = (status: number): boolean => status >= 200 && status < 300;

function saidBy(exchange: Extract<Exchange, { kind: 'reply' | 'broken' }>): string {
  const text = exchange.kind === 'reply' ? faultText(exchange.text) : clean(exchange.why);
  return exchange.status === null ? text : `HTTP ${exchange.status}${text === '' ? '' : `: ${text}`}`;
}
