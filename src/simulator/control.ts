/** The control paths under /_sim/: everything a test or a person may ask of the simulator that the provider would never answer. */
import { z } from 'zod';
import type { AuditLimits, Violation } from './audit.js';
import { callBody } from './bodies.js';
import type { CallBody } from './bodies.js';
import type { SimulatedCall } from './call.js';
import type { KeptRequest } from './exchange.js';
import type { Fault, FaultSpec } from './faults.js';
import { remoteFaultSchema } from './faults.js';
import type { Figures } from './figures.js';
import type { LedgerEntry } from './ledger.js';
import { PATTERNS } from './patterns.js';
import type { Reply } from './replies.js';
import { ok } from './replies.js';
import type { Switches } from './switches.js';
import { switchesChangeSchema } from './switches.js';

export interface ClockState {
  readonly speed: number;
  /** Simulated milliseconds since the start. */
  readonly simulatedMs: number;
  readonly pendingEvents: number;
}

/** What may be asked of a running simulator, in process and over HTTP alike. */
export interface Controls {
  addFault(spec: FaultSpec): Fault;
  removeFault(id: number): boolean;
  clearFaults(): void;
  faults(): readonly (Fault & { readonly fired: number })[];
  ledger(): readonly LedgerEntry[];
  figures(): Figures;
  /** Broken invariants, none when all is well. */
  check(limits?: AuditLimits): Violation[];
  /** Forgets calls, faults, ledger and figures; keeps the switches. */
  reset(): void;
  liveCalls(): readonly CallBody[];
  switches(): Switches;
  change(switches: Partial<Switches>): Switches;
  clock(): ClockState;
  setSpeed(speed: number): void;
  /** Moves simulated time forward at once. */
  advance(ms: number): void;
  requests(): readonly KeptRequest[];
}

export const describeCalls = (calls: readonly SimulatedCall[], seed: string): CallBody[] =>
  calls.map((call) => callBody(call, seed, { transcript: false }));

const clockSchema = z.strictObject({ speed: z.number().nonnegative().optional(), advanceMs: z.number().nonnegative().optional() });

const limitParameter = z.coerce.number().int().positive().optional();

const PATHS = {
  'GET /_sim/faults': 'faults in force',
  'POST /_sim/faults': 'add one, e.g. {"kind": "accept-drop", "times": 1}',
  'DELETE /_sim/faults[/ID]': 'remove one or all',
  'GET /_sim/ledger': 'every dial, transition, stop, refusal and fault; ?to= ?attempt= ?event= ?after=SEQ',
  'GET /_sim/figures': 'counts and peaks',
  'GET /_sim/check': 'broken invariants; ?concurrency=N ?cps=N to check against tighter limits',
  'POST /_sim/reset': 'forget calls, faults, ledger and figures',
  'GET /_sim/calls': 'live calls',
  'GET /_sim/switches': 'limits, index lag, latency and other switches',
  'PATCH /_sim/switches': 'change some',
  'GET /_sim/clock': 'speed and simulated time',
  'POST /_sim/clock': '{"speed": 60} or {"advanceMs": 30000}',
  'GET /_sim/requests': 'the latest requests with headers and body, when the switch keepRequests is set',
  'GET /_sim/numbers': 'which last digits bring which outcome',
};

const bad = (message: string): Reply => ({ status: 400, body: { error: message } });

export function answerControl(controls: Controls, method: string, url: URL, body: string): Reply {
  let content: unknown;
  try {
    content = body === '' ? {} : JSON.parse(body);
  } catch {
    return bad('the body is not JSON');
  }
  const ask = url.searchParams;
  const [, , noun = '', id] = url.pathname.split('/');
  switch (`${method} ${noun}`) {
    case 'GET ':
      return ok(PATHS);
    case 'GET faults':
      return ok(controls.faults());
    case 'POST faults': {
      const read = remoteFaultSchema.safeParse(content);
      return read.success ? { status: 201, body: controls.addFault(read.data) } : bad(z.prettifyError(read.error));
    }
    case 'DELETE faults':
      if (id === undefined) controls.clearFaults();
      else if (!controls.removeFault(Number(id))) return { status: 404, body: { error: `there is no fault ${id}` } };
      return { status: 204 };
    case 'GET ledger':
      return ok(selected(controls.ledger(), ask));
    case 'GET figures':
      return ok(controls.figures());
    case 'GET check': {
      const concurrency = limitParameter.safeParse(ask.get('concurrency') ?? undefined);
      const cps = limitParameter.safeParse(ask.get('cps') ?? undefined);
      if (!concurrency.success || !cps.success) return bad('concurrency and cps must be whole numbers above 0');
      return ok({ violations: controls.check({ concurrency: concurrency.data ?? null, callsPerSecond: cps.data ?? null }) });
    }
    case 'POST reset':
      controls.reset();
      return { status: 204 };
    case 'GET calls':
      return ok(controls.liveCalls());
    case 'GET switches':
      return ok(controls.switches());
    case 'PATCH switches': {
      const read = switchesChangeSchema.safeParse(content);
      return read.success ? ok(controls.change(read.data)) : bad(z.prettifyError(read.error));
    }
    case 'GET clock':
      return ok(controls.clock());
    case 'POST clock': {
      const read = clockSchema.safeParse(content);
      if (!read.success) return bad(z.prettifyError(read.error));
      if (read.data.speed !== undefined) controls.setSpeed(read.data.speed);
      if (read.data.advanceMs !== undefined) controls.advance(read.data.advanceMs);
      return ok(controls.clock());
    }
    case 'GET requests':
      return ok(controls.requests());
    case 'GET numbers':
      return ok(PATTERNS.map(({ digits, name, reason, status, text }) => ({ digits, name, reason, status, text })));
    default:
      return { status: 404, body: { error: `there is no ${method} ${url.pathname}`, paths: PATHS } };
  }
}

function selected(entries: readonly LedgerEntry[], ask: URLSearchParams): readonly LedgerEntry[] {
  const [to, attempt, event, after] = [ask.get('to'), ask.get('attempt'), ask.get('event'), ask.get('after')];
  return entries.filter(
    (entry) =>
      (to === null || entry.to === to) &&
      (attempt === null || entry.attemptId === attempt) &&
      (event === null || entry.event === event) &&
      (after === null || entry.seq > Number(after)),
  );
}
