/** The filters of a list, all of which must hold. One that is not known, or not simulated, is a 400: no test passes by being ignored. */
import type { CallBody } from './bodies.js';
import { Invalid, isFields, readFilter, refuseOthers } from './filter-forms.js';
import type { Form, Shape } from './filter-forms.js';
import { PATTERNS } from './patterns.js';

export type CallTest = (body: CallBody) => boolean;

interface Field extends Shape {
  readonly of: (body: CallBody) => unknown;
}

const field = (forms: readonly Form[], of: Field['of']): Field => ({ forms, words: null, keyed: false, of });
const amounts = (of: Field['of']): Field => field(['number', 'range'], of);
const words = (known: readonly string[], of: Field['of']): Field => ({ forms: ['enum'], words: known, keyed: false, of });

/** Filters on one field of the call. */
const FIELDS: ReadonlyMap<string, Field> = new Map(
  Object.entries({
    call_id: field(['string', 'enum'], (body) => body.call_id),
    to_number: field(['string'], (body) => body.to_number),
    from_number: field(['string'], (body) => body.from_number),
    // No call of the simulator is part of one.
    batch_call_id: field(['string'], () => undefined),
    // `registered` is a status that cannot be asked for.
    call_status: words(['not_connected', 'ongoing', 'ended', 'error'], (body) => body.call_status),
    call_type: words(['web_call', 'phone_call'], (body) => body.call_type),
    direction: words(['inbound', 'outbound'], (body) => body.direction),
    disconnection_reason: words([...new Set(PATTERNS.map(({ reason }) => reason))], (body) => body.disconnection_reason),
    start_timestamp: amounts((body) => body.start_timestamp),
    end_timestamp: amounts((body) => body.end_timestamp),
    duration_ms: amounts((body) => body.duration_ms),
    combined_cost: amounts((body) => body.call_cost?.combined_cost),
    e2e_latency_p50: amounts((body) => body.latency?.e2e.p50),
    call_successful: field(['boolean'], (body) => body.call_analysis?.call_successful),
    in_voicemail: field(['boolean'], (body) => body.call_analysis?.in_voicemail),
    user_sentiment: words(['Negative', 'Positive', 'Neutral', 'Unknown'], (body) => body.call_analysis?.user_sentiment),
  }),
);

const KEYED_SHAPE: Shape = { forms: ['string', 'number', 'boolean', 'range', 'enum', 'present'], words: null, keyed: true };

/** Lists of filters, each on one top-level key. */
const KEYED: ReadonlyMap<string, (body: CallBody) => unknown> = new Map(
  Object.entries({
    metadata: (body) => body.metadata,
    dynamic_variables: (body) => body.retell_llm_dynamic_variables,
    custom_analysis_data: (body) => body.call_analysis?.custom_analysis_data,
  }),
);

/** The provider has them; the calls made here have nothing that they could look at. */
const NOT_SIMULATED: readonly string[] = ['agent_tag', 'custom_attributes', 'data_storage_setting', 'tool_calls'];

export function readCriteria(criteria: unknown): CallTest[] {
  if (!isFields(criteria)) throw new Invalid('body/filter_criteria must be object');
  return Object.entries(criteria).flatMap(([name, filter]) => testsOf(name, filter));
}

function testsOf(name: string, filter: unknown): CallTest[] {
  const where = `filter_criteria/${name}`;
  const single = FIELDS.get(name);
  if (single !== undefined) {
    const test = readFilter(filter, single, where);
    return [(body) => test(single.of(body))];
  }
  if (NOT_SIMULATED.includes(name)) throw new Invalid(`body/${where}: the provider has this filter, the simulator does not`);
  const holder = KEYED.get(name);
  if (holder === undefined && name !== 'agent') throw new Invalid(`body/filter_criteria must NOT have additional properties: ${name}`);
  if (!Array.isArray(filter)) throw new Invalid(`body/${where} must be array`);
  return holder === undefined ? [agentTest(filter, where)] : filter.map((item) => keyedTest(item, holder, where));
}

function keyedTest(item: unknown, holder: (body: CallBody) => unknown, where: string): CallTest {
  const key = isFields(item) ? item['key'] : undefined;
  if (typeof key !== 'string') throw new Invalid(`body/${where} needs a key`);
  const test = readFilter(item, KEYED_SHAPE, where);
  return (body) => {
    const held = holder(body);
    return test(isFields(held) ? held[key] : undefined);
  };
}

/** Any one of these agents, each in any version or in some. */
function agentTest(agents: readonly unknown[], where: string): CallTest {
  const tests = agents.map((agent): CallTest => {
    if (!isFields(agent) || typeof agent['agent_id'] !== 'string') throw new Invalid(`body/${where} needs an agent_id`);
    refuseOthers(agent, ['agent_id', 'version'], where);
    const { agent_id: id, version: versions } = agent;
    if (versions === undefined) return (body) => body.agent_id === id;
    if (!Array.isArray(versions) || !versions.every((version) => typeof version === 'number'))
      throw new Invalid(`body/${where}/version must be numbers`);
    const allowed = new Set<unknown>(versions);
    return (body) => body.agent_id === id && allowed.has(body.agent_version);
  });
  return (body) => tests.some((test) => test(body));
}

/** The values a filter allows, where it allows only a given few. */
export function exactValues(filter: unknown): string[] | null {
  if (!isFields(filter)) return null;
  const { type, op, value } = filter;
  if (type === 'string' && op === 'eq' && typeof value === 'string') return [value];
  if (type === 'enum' && op === 'in' && Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  return null;
}
