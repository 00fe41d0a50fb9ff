/** The figures of a report, counted once and shown in many ways. Rates are of what stands beside them; a rate of nothing is null. */
import type { OutcomeClass } from '../domain/call.js';
import { idKey, type DocId } from '../domain/job.js';
import { get, number, text } from '../domain/lenient.js';
import { hasPrice } from './columns.js';
import { localDate, localTime } from '../domain/windows.js';
import { isZone } from '../domain/zones.js';

/** A call as far as it is counted; the store's attempts fit. */
export interface CountedCall {
  readonly job: DocId;
  readonly at: Date;
  readonly open: boolean;
  readonly phone_index: number;
  readonly timezone: string;
  readonly outcome?: { readonly class: OutcomeClass; readonly success: boolean; readonly reached: string; readonly durationMs: number };
  readonly cost?: { readonly micros: number; readonly final: boolean };
  /** A call of the old worker. */
  readonly foreign?: boolean;
}

export interface Row {
  readonly key: string;
  readonly calls: number;
  /** Rates are of these: what a live call comes to nobody knows. */
  readonly ended: number;
  readonly pickedUp: number;
  readonly talked: number;
  readonly successes: number;
  readonly pickUpRate: number | null;
  readonly minutes: number;
  readonly dollars: number;
}

export interface Figures {
  readonly contacts: {
    readonly total: number;
    readonly byStatus: Readonly<Record<string, number>>;
    /** Called at least once in the period, and of those who picked up, and with success. */
    readonly called: number;
    readonly pickedUp: number;
    readonly succeeded: number;
    readonly contactRate: number | null;
    readonly promises: number;
    readonly promised: number;
    readonly debt: number;
  };
  readonly calls: Row & {
    readonly live: number;
    readonly successRate: number | null;
    /** Of the calls where somebody picked up, as the rate and the dollars beside it. */
    readonly meanSeconds: number | null;
    readonly dollarsPerPickUp: number | null;
    readonly dollarsPerSuccess: number | null;
    /** Of so many calls the provider has not said the last word on the cost. */
    readonly provisional: number;
    /** Of so many nobody knows the cost; they are in no figure of dollars. */
    readonly unpriced: number;
  };
  readonly byOutcome: readonly (Row & { readonly share: number | null })[];
  readonly byDay: readonly Row[];
  /** By the hour on the clock of whom was called. */
  readonly byHour: readonly Row[];
  readonly byNumber: readonly Row[];
  readonly firstCall: Date | null;
  readonly lastCall: Date | null;
}

export interface Counting {
  job(doc: unknown): void;
  call(call: CountedCall): void;
  figures(): Figures;
}

interface Sum {
  calls: number;
  ended: number;
  pickedUp: number;
  talked: number;
  successes: number;
  ms: number;
  /** Of those who picked up. */
  pickedUpMs: number;
  micros: number;
  /** Of what has a price. */
  pricedPickUps: number;
  pricedSuccesses: number;
}

const NOTHING: Sum = {
  calls: 0,
  ended: 0,
  pickedUp: 0,
  talked: 0,
  successes: 0,
  ms: 0,
  pickedUpMs: 0,
  micros: 0,
  pricedPickUps: 0,
  pricedSuccesses: 0,
};
/** What is told of a call that is not over yet would make rates of more than all. */
const outcomeOf = ({ open, outcome }: CountedCall): CountedCall['outcome'] => (open ? undefined : outcome);

/**
 * The two that are easily taken for each other, defined here alone. Picked up: a person did, no machine, whatever became of the call then (a fault
 * in the middle, a person who says nothing). Talked: the outcome `answered`, which ends the job. Who talked has picked up.
 */
const hasTalked = (outcome: CountedCall['outcome']): boolean => outcome?.class === 'answered';
const hasPickedUp = (outcome: CountedCall['outcome']): boolean =>
  hasTalked(outcome) || (outcome?.class !== 'voicemail' && (outcome?.reached === 'answered' || outcome?.reached === 'conversation'));
const rate = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

const QUARTER_MS = 900_000;

/** The clock of whom was called. Every zone's offset is a number of quarter hours, and a campaign has few of those. */
function createClocks(): (at: Date, zone: string) => { readonly day: string; readonly hour: string } {
  const known = new Map<string, { day: string; hour: string }>();
  return (at, zone) => {
    const key = `${zone} ${Math.floor(at.getTime() / QUARTER_MS)}`;
    const name = isZone(zone) ? zone : 'UTC';
    const read = known.get(key) ?? { day: localDate(at, name), hour: localTime(at, name).slice(0, 2) };
    known.set(key, read);
    return read;
  };
}

export function createCounting(): Counting {
  const clock = createClocks();
  const statuses = new Map<string, number>();
  const all: Sum = { ...NOTHING };
  const groups = {
    outcome: new Map<string, Sum>(),
    day: new Map<string, Sum>(),
    hour: new Map<string, Sum>(),
    number: new Map<string, Sum>(),
  };
  const people = { called: new Set<string>(), pickedUp: new Set<string>(), succeeded: new Set<string>() };
  let live = 0;
  let provisional = 0;
  let unpriced = 0;
  let promises = 0;
  let promised = 0;
  let debt = 0;
  let firstCall: Date | null = null;
  let lastCall: Date | null = null;

  function add(sum: Sum, call: CountedCall): void {
    const { open, cost } = call;
    const outcome = outcomeOf(call);
    sum.calls += 1;
    if (!open) sum.ended += 1;
    if (hasTalked(outcome)) sum.talked += 1;
    if (hasPickedUp(outcome)) {
      sum.pickedUp += 1;
      sum.pickedUpMs += outcome?.durationMs ?? 0;
    }
    if (outcome?.success === true) sum.successes += 1;
    if (hasPrice(call)) {
      if (hasPickedUp(outcome)) sum.pricedPickUps += 1;
      if (outcome?.success === true) sum.pricedSuccesses += 1;
    }
    sum.ms += outcome?.durationMs ?? 0;
    sum.micros += cost?.micros ?? 0;
  }

  function into(group: Map<string, Sum>, key: string, call: CountedCall): void {
    const sum = group.get(key) ?? { ...NOTHING };
    group.set(key, sum);
    add(sum, call);
  }

  return {
    job: (doc) => {
      const written = text(get(doc, 'status')) ?? 'none';
      const status = written === 'completed' ? 'done' : written;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      debt += number(get(get(doc, 'payload'), 'debt_amount')) ?? 0;
      const amount = number(get(doc, 'monto_pago_cliente'));
      if (amount !== null || text(get(doc, 'fecha_pago_cliente')) !== null) promises += 1;
      promised += amount ?? 0;
    },

    call: (call) => {
      if (call.open) live += 1;
      if (call.cost?.final === false) provisional += 1;
      if (!call.open && !hasPrice(call)) unpriced += 1;
      const { at } = call;
      const { day, hour } = clock(at, call.timezone);
      if (firstCall === null || at < firstCall) firstCall = at;
      if (lastCall === null || at > lastCall) lastCall = at;
      add(all, call);
      into(groups.outcome, call.open ? 'live' : (call.outcome?.class ?? 'unknown'), call);
      into(groups.day, day, call);
      into(groups.hour, hour, call);
      into(groups.number, String(call.phone_index + 1), call);
      const who = idKey(call.job);
      people.called.add(who);
      if (hasPickedUp(outcomeOf(call))) people.pickedUp.add(who);
      if (outcomeOf(call)?.success === true) people.succeeded.add(who);
    },

    figures: () => ({
      contacts: {
        total: [...statuses.values()].reduce((sum, n) => sum + n, 0),
        byStatus: Object.fromEntries([...statuses].toSorted(([a], [b]) => (a < b ? -1 : 1))),
        called: people.called.size,
        pickedUp: people.pickedUp.size,
        succeeded: people.succeeded.size,
        contactRate: rate(people.pickedUp.size, people.called.size),
        promises,
        promised,
        debt,
      },
      calls: {
        ...rowOf('all', all),
        live,
        successRate: rate(all.successes, all.ended),
        meanSeconds: all.pickedUp === 0 ? null : all.pickedUpMs / all.pickedUp / 1000,
        dollarsPerPickUp: rate(all.micros / 1e6, all.pricedPickUps),
        dollarsPerSuccess: rate(all.micros / 1e6, all.pricedSuccesses),
        provisional,
        unpriced,
      },
      byOutcome: [...groups.outcome]
        .map(([key, sum]) => ({ ...rowOf(key, sum), share: rate(sum.calls, all.calls) }))
        .toSorted((a, b) => b.calls - a.calls || (a.key < b.key ? -1 : 1)),
      byDay: rowsOf(groups.day),
      byHour: rowsOf(groups.hour),
      byNumber: rowsOf(groups.number),
      firstCall,
      lastCall,
    }),
  };
}

function rowsOf(group: ReadonlyMap<string, Sum>): Row[] {
  return [...group].map(([key, sum]) => rowOf(key, sum)).toSorted((a, b) => a.key.localeCompare(b.key, 'en', { numeric: true }));
}

function rowOf(key: string, { calls, ended, pickedUp, talked, successes, ms, micros }: Sum): Row {
  return { key, calls, pickedUp, talked, successes, ended, pickUpRate: rate(pickedUp, ended), minutes: ms / 60_000, dollars: micros / 1e6 };
}
