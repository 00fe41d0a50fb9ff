/** The list request of v3: its filters, order and cursor. A filter the simulator does not know is a 400, so that no test passes by being ignored. */
import type { CallBody } from './bodies.js';

export interface ListRequest {
  readonly matches: (body: CallBody) => boolean;
  /** Where the filters name calls outright, which; the others need not be looked at. */
  readonly callIds: readonly string[] | null;
  readonly attemptIds: readonly string[] | null;
  readonly toNumber: string | null;
  readonly ascending: boolean;
  readonly limit: number;
  readonly skip: number;
  readonly paginationKey: string | null;
  readonly includeTotal: boolean;
}

export type ListReading = { readonly kind: 'list'; readonly list: ListRequest } | { readonly kind: 'invalid'; readonly why: string };

type Fields = Readonly<Record<string, unknown>>;
type Test = (value: unknown) => boolean;

class Invalid extends Error {}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

const LISTED_STATUSES: readonly unknown[] = ['not_connected', 'ongoing', 'ended', 'error'];

/** Filters on one field of the call. */
const FIELDS: Readonly<Record<string, (body: CallBody) => unknown>> = {
  call_id: (body) => body.call_id,
  to_number: (body) => body.to_number,
  from_number: (body) => body.from_number,
  batch_call_id: () => undefined,
  call_status: (body) => body.call_status,
  call_type: (body) => body.call_type,
  direction: (body) => body.direction,
  disconnection_reason: (body) => body.disconnection_reason,
  start_timestamp: (body) => body.start_timestamp,
  end_timestamp: (body) => body.end_timestamp,
  duration_ms: (body) => body.duration_ms,
  combined_cost: (body) => body.call_cost?.combined_cost,
  call_successful: (body) => body.call_analysis?.call_successful,
  in_voicemail: (body) => body.call_analysis?.in_voicemail,
  user_sentiment: (body) => body.call_analysis?.user_sentiment,
};

/** Lists of filters, each on one top-level key. */
const KEYED: Readonly<Record<string, (body: CallBody) => unknown>> = {
  metadata: (body) => body.metadata,
  dynamic_variables: (body) => body.retell_llm_dynamic_variables,
  custom_analysis_data: (body) => body.call_analysis?.custom_analysis_data,
};

export function readList(content: unknown): ListReading {
  try {
    return { kind: 'list', list: list(content ?? {}) };
  } catch (thrown) {
    if (thrown instanceof Invalid) return { kind: 'invalid', why: thrown.message };
    throw thrown;
  }
}

function list(content: unknown): ListRequest {
  if (!isFields(content)) throw new Invalid('body must be object');
  const { filter_criteria: criteria = {}, sort_order: order = 'descending', limit = 50, skip, pagination_key: key } = content;
  if (!isFields(criteria)) throw new Invalid('body/filter_criteria must be object');
  if (order !== 'ascending' && order !== 'descending') throw new Invalid('body/sort_order must be ascending or descending');
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > 1000) throw new Invalid('body/limit must be 1 to 1000');
  if (skip !== undefined && key !== undefined) throw new Invalid('body must have either skip or pagination_key, not both');
  if (skip !== undefined && (typeof skip !== 'number' || !Number.isInteger(skip) || skip < 0)) throw new Invalid('body/skip must be >= 0');
  if (key !== undefined && typeof key !== 'string') throw new Invalid('body/pagination_key must be string');

  const tests: ((body: CallBody) => boolean)[] = [];
  for (const [name, filter] of Object.entries(criteria)) {
    const field = FIELDS[name];
    const keyed = KEYED[name];
    if (field !== undefined) {
      if (name === 'call_status') refuseRegistered(filter);
      const test = testOf(filter, `filter_criteria/${name}`);
      tests.push((body) => test(field(body)));
    } else if (keyed !== undefined) {
      if (!Array.isArray(filter)) throw new Invalid(`body/filter_criteria/${name} must be array`);
      for (const item of filter) {
        const itemKey = isFields(item) ? item['key'] : undefined;
        if (typeof itemKey !== 'string') throw new Invalid(`body/filter_criteria/${name} needs a key`);
        const test = testOf(item, `filter_criteria/${name}`);
        tests.push((body) => {
          const holder = keyed(body);
          return test(isFields(holder) ? holder[itemKey] : undefined);
        });
      }
    } else {
      throw new Invalid(`body/filter_criteria must NOT have additional properties: ${name}`);
    }
  }
  const metadata: unknown = criteria['metadata'];
  const attempt: unknown = Array.isArray(metadata) ? metadata.find((item) => isFields(item) && item['key'] === 'attempt_id') : undefined;
  const numbers = exactValues(criteria['to_number']);
  return {
    matches: (body) => tests.every((test) => test(body)),
    callIds: exactValues(criteria['call_id']),
    attemptIds: exactValues(attempt),
    toNumber: numbers?.length === 1 ? (numbers[0] ?? null) : null,
    ascending: order === 'ascending',
    limit,
    skip: typeof skip === 'number' ? skip : 0,
    paginationKey: typeof key === 'string' ? key : null,
    includeTotal: content['include_total'] === true,
  };
}

function refuseRegistered(filter: unknown): void {
  const values = isFields(filter) && Array.isArray(filter['value']) ? filter['value'] : [];
  for (const value of values) {
    if (!LISTED_STATUSES.includes(value))
      throw new Invalid(`body/filter_criteria/call_status/value must be one of ${LISTED_STATUSES.join(', ')}`);
  }
}

/** The values a filter allows, where it allows only a given few. */
function exactValues(filter: unknown): string[] | null {
  if (!isFields(filter)) return null;
  const { type, op, value } = filter;
  if (type === 'string' && op === 'eq' && typeof value === 'string') return [value];
  if (type === 'enum' && op === 'in' && Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  return null;
}

function testOf(filter: unknown, where: string): Test {
  if (!isFields(filter)) throw new Invalid(`body/${where} must be object`);
  const { type, op, value } = filter;
  if (type === 'string' && typeof value === 'string') return stringTest(op, value, where);
  if (type === 'enum' && op === 'in' && Array.isArray(value)) {
    const allowed = new Set<unknown>(value);
    return (actual) => allowed.has(actual);
  }
  if (type === 'number' && typeof value === 'number') return numberTest(op, value, where);
  if (type === 'range' && op === 'bt' && Array.isArray(value)) {
    const [low, high] = value as readonly unknown[];
    if (typeof low !== 'number' || typeof high !== 'number') throw new Invalid(`body/${where}/value must be two numbers`);
    return (actual) => typeof actual === 'number' && actual >= low && actual <= high;
  }
  if (type === 'boolean' && op === 'eq' && typeof value === 'boolean') return (actual) => actual === value;
  if (type === 'present' && op === 'pr') return (actual) => actual !== undefined && actual !== null;
  if (type === 'present' && op === 'np') return (actual) => actual === undefined || actual === null;
  throw new Invalid(`body/${where} must match a filter schema`);
}

function stringTest(op: unknown, wanted: string, where: string): Test {
  const on =
    (test: (text: string) => boolean): Test =>
    (actual) =>
      typeof actual === 'string' && test(actual);
  if (op === 'eq') return (actual) => actual === wanted;
  if (op === 'ne') return (actual) => actual !== wanted;
  if (op === 'sw') return on((text) => text.startsWith(wanted));
  if (op === 'ew') return on((text) => text.endsWith(wanted));
  if (op === 'co') return on((text) => text.includes(wanted));
  throw new Invalid(`body/${where}/op must be one of eq, ne, sw, ew, co`);
}

function numberTest(op: unknown, wanted: number, where: string): Test {
  const on =
    (test: (value: number) => boolean): Test =>
    (actual) =>
      typeof actual === 'number' && test(actual);
  if (op === 'eq') return on((value) => value === wanted);
  if (op === 'ne') return on((value) => value !== wanted);
  if (op === 'gt') return on((value) => value > wanted);
  if (op === 'ge') return on((value) => value >= wanted);
  if (op === 'lt') return on((value) => value < wanted);
  if (op === 'le') return on((value) => value <= wanted);
  throw new Invalid(`body/${where}/op must be one of eq, ne, gt, ge, lt, le`);
}
