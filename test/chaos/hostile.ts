/** Documents of any shape and replies of any shape (fast-check, seeded) among good jobs: the good ones end well, the daemon stays (P7, P8). */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { ObjectId } from 'mongodb';
import type { Document } from 'mongodb';

/** What BSON can carry and a program may have left in the place of anything. */
const anyValue = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<unknown>(null, true, false, 0, -1, 1e300, Number.NaN, '', ' ', '$where', 'NaN', '2026-01-01', [], {}, [[]], [null]) },
  { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.double() },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true, min: new Date('1970-01-02'), max: new Date('2100-01-01') }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constant(null).map(() => new ObjectId()) },
  { weight: 2, arbitrary: fc.array(fc.oneof(fc.string({ maxLength: 12 }), fc.integer()), { maxLength: 4 }) },
  { weight: 2, arbitrary: fc.dictionary(fc.stringMatching(/^[a-z_$.]{1,8}$/), fc.oneof(fc.string({ maxLength: 12 }), fc.integer(), fc.constant(null)), { maxKeys: 4 }) },
); // prettier-ignore

const JOB_FIELDS = [
  'contact', 'contact.phones', 'contact.next_phone_index', 'contact.name', 'contact.dni', 'status', 'attempts', 'max_attempts', 'reserved_until', 'next_try_at',
  'lease_token', 'worker_id', 'started_at', 'account_id', 'batch_id', 'payload', 'call_id', 'cancel_requested', 'suspend_requested', 'bad_lines', 'transient_calls',
  'rescues', 'job_id', 'queue', 'last_error', 'suspend_reason', 'call_result', 'created_at', 'foreign', 'phone_index',
] as const; // prettier-ignore
const SETTINGS = ['allowed_hours', 'allowed_call_hours', 'days_of_week', 'timezone', 'max_attempts', 'retry_delay_hours', 'holidays', 'closed_dates', 'max_concurrent_calls', 'ring_timeout', 'retry_settings'] as const; // prettier-ignore
const BATCH_FIELDS = ['is_active', 'state', 'call_settings', 'priority', 'rules', 'start_at', 'end_at', 'from_numbers', 'queue', 'account_id', 'name', ...SETTINGS.map((key) => `call_settings.${key}` as const)] as const; // prettier-ignore
const ACCOUNT_FIELDS = ['plan_type', 'status', 'credit_balance', 'credit_used', 'minutes_purchased', 'minutes_used', 'country', 'timezone', 'expires_at', 'cost_per_minute', 'max_concurrent_calls', 'daily_call_limit', 'settings', 'ledger_version'] as const; // prettier-ignore

export interface Spoilt {
  readonly field: string;
  readonly value: unknown;
}

const spoilt = (fields: readonly string[]): fc.Arbitrary<Spoilt[]> =>
  fc.array(fc.record({ field: fc.constantFrom(...fields), value: anyValue }), { minLength: 1, maxLength: 3 });

export const spoilers = (seed: number, count: number): { jobs: Spoilt[][]; batches: Spoilt[][]; accounts: Spoilt[][] } => ({
  jobs: fc.sample(spoilt(JOB_FIELDS), { seed, numRuns: count }),
  batches: fc.sample(spoilt(BATCH_FIELDS), { seed: seed + 1, numRuns: Math.ceil(count / 20) }),
  accounts: fc.sample(spoilt(ACCOUNT_FIELDS), { seed: seed + 2, numRuns: Math.ceil(count / 20) }),
});

/** A copy with each spoilt field in its place. */
export const spoil = (document: Document, changes: readonly Spoilt[]): Document => {
  const copy = structuredClone(document);
  for (const { field, value } of changes) {
    const path = field.split('.');
    const last = path.pop() ?? field;
    let at = copy;
    for (const key of path) {
      if (typeof at[key] !== 'object' || at[key] === null || Array.isArray(at[key])) at[key] = {};
      at = at[key] as Document;
    }
    at[last] = value;
  }
  return copy;
};

export interface Mangler {
  readonly url: string;
  mangled(): number;
  /** From now on every reply passes as it is. */
  relent(): void;
  close(): Promise<void>;
}

const REPLY_FIELDS = ['call_id', 'call_status', 'disconnection_reason', 'start_timestamp', 'end_timestamp', 'duration_ms', 'call_cost', 'call_cost.combined_cost', 'call_analysis', 'call_analysis.in_voicemail', 'transcript', 'metadata', 'metadata.attempt_id', 'to_number', 'collected_dynamic_variables', 'retell_llm_dynamic_variables'] as const; // prettier-ignore
const jsonValue = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>('', -1, 1e300, '2026', 'ended', 'archived', {}, []));

type Change =
  | { readonly how: 'fields'; readonly changes: Spoilt[] }
  | { readonly how: 'whole'; readonly value: unknown }
  | { readonly how: 'cut'; readonly at: number };
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.record({ field: fc.constantFrom(...REPLY_FIELDS), value: jsonValue }), { minLength: 1, maxLength: 3 }).map((changes) => ({ how: 'fields' as const, changes })) },
  { weight: 1, arbitrary: jsonValue.map((value) => ({ how: 'whole' as const, value })) },
  { weight: 1, arbitrary: fc.nat(60).map((at) => ({ how: 'cut' as const, at })) },
); // prettier-ignore

/** In front of the simulator: the first replies about calls to numbers that end so are changed in one way each, everything else passes. */
export const startMangler = async (upstream: string, seed: number, count: number, suffix: string): Promise<Mangler> => {
  const changes = fc.sample(change, { seed: seed + 3, numRuns: count });
  let used = 0;
  let relented = false;
  const isMeant = (item: unknown): item is Document =>
    typeof item === 'object' && item !== null && 'to_number' in item && String(item.to_number).endsWith(suffix);
  const take = (): Change | undefined => {
    const one = relented ? undefined : changes[used];
    if (one !== undefined) used += 1;
    return one;
  };
  const mangle = (text: string): string => {
    const body: unknown = JSON.parse(text);
    if (isMeant(body)) {
      const one = take();
      if (one === undefined) return text;
      if (one.how === 'cut') return text.slice(0, one.at);
      return JSON.stringify(one.how === 'whole' ? one.value : spoil(body, one.changes)) ?? 'undefined';
    }
    if (typeof body !== 'object' || body === null || !('items' in body) || !Array.isArray(body.items)) return text;
    // Within a list only its own entry is spoilt: the others belong to good jobs.
    const items = body.items.map((item: unknown) => {
      const one = isMeant(item) ? take() : undefined;
      if (one === undefined || !isMeant(item) || one.how === 'cut') return item;
      return one.how === 'whole' ? one.value : spoil(item, one.changes);
    });
    return JSON.stringify({ ...body, items });
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const body = Buffer.concat(chunks);
        const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' };
        const answer = await fetch(`${upstream}${request.url}`, {
          method: request.method ?? 'GET',
          headers,
          ...(body.length === 0 ? {} : { body }),
        });
        const text = await answer.text();
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        // A create's reply stays: that a bad one is ambiguous is shown elsewhere, and every one would cost a reconcile window here.
        response.end(answer.ok && request.url !== '/v2/create-phone-call' ? mangle(text) : text);
      })().catch(() => response.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    mangled: () => used,
    relent: () => {
      relented = true;
    },
    close: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };
};
