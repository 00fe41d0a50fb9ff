/** Faults to inject: which requests they hit, and what becomes of those. Chosen by seed, so that a run can be repeated. */
import { z } from 'zod';
import type { SimulatorClock } from './clock.js';
import { dice } from './dice.js';
import { FAULT_KINDS } from './fault-kinds.js';

const LETTERS: Readonly<Record<string, string>> = {
  a: 'refuse',
  b: 'accept-drop',
  c: 'accept-500',
  d: 'accept-late',
  e: 'accept-truncate',
};

const fields = z.strictObject({
  kind: z.preprocess((kind) => (typeof kind === 'string' ? (LETTERS[kind] ?? kind) : kind), z.enum(FAULT_KINDS)),
  /** A path or its beginning, or `*`. Without it: creates for refuse and accept-*, everything for the others. */
  path: z.string().optional(),
  /** Only calls to numbers that end so. */
  to: z.string().optional(),
  probability: z.number().min(0).max(1).default(1),
  /** How many requests it hits before it is spent; null: no end. */
  times: z.number().int().positive().nullable().default(null),
  /** How many matching requests pass first. */
  skip: z.number().int().nonnegative().default(0),
  /** Real milliseconds after which it is gone; null: until removed. */
  forMs: z.number().positive().nullable().default(null),
  status: z.number().int().min(400).max(599).default(503),
  retryAfterSeconds: z.number().int().nonnegative().nullable().default(null),
  /** Shape of the error body. */
  shape: z.enum(['message', 'error_message', 'error', 'text', 'none']).optional(),
  message: z.string().default('simulated fault'),
  delayMs: z.number().nonnegative().default(1000),
  /** For html502, empty500, not-json and status: the request is carried out before the bad reply. */
  accept: z.boolean().default(false),
  how: z.enum(['refused', 'reset', '503']).default('503'),
});

/** A closed port sees no requests, so nothing that chooses among them or counts them can be honoured. */
const faultSchema = fields.superRefine((fault, context) => {
  if (!cutsPort(fault)) return;
  const ignored = Object.entries({
    path: fault.path !== undefined,
    to: fault.to !== undefined,
    probability: fault.probability !== 1,
    times: fault.times !== null,
    skip: fault.skip !== 0,
  });
  for (const [name, given] of ignored) {
    if (given) context.addIssue({ code: 'custom', path: [name], message: `an outage that is refused hits everything: leave ${name} out` });
  }
});

/** For those who can only reach the simulator through its port: what they close they must be able to open again. */
export const remoteFaultSchema = faultSchema.superRefine((fault, context) => {
  if (cutsPort(fault) && fault.forMs === null) {
    context.addIssue({ code: 'custom', path: ['forMs'], message: 'an outage that is refused closes these paths too: say for how long' });
  }
});

/** Outages with `how: refused` close the port; the others are answered like every fault. */
export const cutsPort = (fault: Pick<z.output<typeof fields>, 'kind' | 'how'>): boolean =>
  fault.kind === 'outage' && fault.how === 'refused';

export type FaultSpec = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema> & { readonly id: number };

export interface FaultRequest {
  readonly path: string;
  /** The number to dial, for creates. */
  readonly to: string | null;
}

export interface Faults {
  add(spec: FaultSpec): Fault;
  remove(id: number): boolean;
  clear(): void;
  list(): readonly (Fault & { readonly fired: number })[];
  /** The fault that hits this request, if any; it counts as used. */
  choose(request: FaultRequest): Fault | null;
}

const CREATE_PATH = '/v2/create-phone-call';

interface Armed {
  readonly fault: Fault;
  readonly untilMs: number;
  /** Matching requests seen, by the number they dial, so that chance does not depend on the order of arrival. */
  readonly seenByTarget: Map<string, number>;
  seen: number;
  fired: number;
}

export function createFaults(seed: string, clock: SimulatorClock): Faults {
  let armed: Armed[] = [];
  let nextId = 1;

  const pathOf = (fault: Fault): string => fault.path ?? (fault.kind === 'refuse' || fault.kind.startsWith('accept-') ? CREATE_PATH : '*');

  return {
    add: (spec) => {
      const fault: Fault = { ...faultSchema.parse(spec), id: nextId };
      nextId += 1;
      armed.push({
        fault,
        untilMs: fault.forMs === null ? Number.POSITIVE_INFINITY : clock.monoMs() + fault.forMs,
        seenByTarget: new Map(),
        seen: 0,
        fired: 0,
      });
      return fault;
    },
    remove: (id) => {
      const before = armed.length;
      armed = armed.filter((entry) => entry.fault.id !== id);
      return armed.length < before;
    },
    clear: () => {
      armed = [];
    },
    list: () => armed.map((entry) => ({ ...entry.fault, fired: entry.fired })),
    choose: (request) => {
      if (armed.length === 0) return null;
      const nowMs = clock.monoMs();
      armed = armed.filter((entry) => nowMs < entry.untilMs && (entry.fault.times === null || entry.fired < entry.fault.times));
      for (const entry of armed) {
        const { fault } = entry;
        const path = pathOf(fault);
        if (path !== '*' && !request.path.startsWith(path)) continue;
        if (fault.to !== undefined && (request.to === null || !request.to.endsWith(fault.to))) continue;
        entry.seen += 1;
        if (entry.seen <= fault.skip) continue;
        const target = request.to ?? '';
        const nth = (entry.seenByTarget.get(target) ?? 0) + 1;
        entry.seenByTarget.set(target, nth);
        if (fault.probability < 1 && dice('fault', seed, fault.id, request.path, target, nth)() >= fault.probability) continue;
        entry.fired += 1;
        return fault;
      }
      return null;
    },
  };
}
