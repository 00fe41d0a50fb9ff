/** What the demo knows while it runs: gathered from the daemon's lines, the simulator's ledger and the database, drawn by view.ts. */
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import type { LogLine } from './daemon.js';
import type { Picture } from './database.js';
import { eventOf, plainLine, type DemoEvent } from './events.js';

/** Everything the live view shows, as plain values. */
export interface Screen {
  readonly title: string;
  readonly sinceMs: number;
  /** null: the daemon has not said yet. */
  readonly workers: { readonly all: number; readonly busy: number | null };
  readonly daemon: string;
  readonly live: number;
  readonly dials: number;
  readonly callsPerMinute: number;
  /** Calls started in each of the latest seconds, oldest first. */
  readonly pace: readonly number[];
  readonly states: readonly (readonly [status: string, jobs: number])[];
  readonly outcomes: readonly (readonly [outcome: string, calls: number])[];
  readonly waiting: readonly { readonly batch: string; readonly jobs: number; readonly why: string }[];
  readonly latest: readonly string[];
}

const LATEST = 4;
const PACE_SECONDS = 40;
/** The rate is that of the latest seconds, told per minute. */
const RATE_SECONDS = 5;
const STATES = ['done', 'in_progress', 'pending', 'suspended', 'failed', 'cancelled'];

export interface Progress {
  line(line: LogLine): DemoEvent | null;
  ledgerEntry(entry: LedgerEntry): void;
  picture(picture: Picture): void;
  note(event: DemoEvent): void;
  daemon(state: string): void;
  sinceMs(): number;
  live(): number;
  screen(): Screen;
}

export function createProgress(title: string, workers: number, monoMs: () => number): Progress {
  const startedMs = monoMs();
  const outcomes = new Map<string, number>();
  const reasons = new Map<string, string>();
  const starts: number[] = [];
  const latest: string[] = [];
  let counts: Picture['counts'] = [];
  let live = 0;
  let busy: number | null = null;
  let daemon = 'starting';
  const sinceMs = (): number => monoMs() - startedMs;

  function note(event: DemoEvent): void {
    latest.push(plainLine(sinceMs(), event));
    if (latest.length > LATEST) latest.shift();
  }

  function screen(): Screen {
    const nowS = Math.floor(sinceMs() / 1_000);
    const pace = Array.from({ length: Math.min(PACE_SECONDS, nowS + 1) }, () => 0);
    for (const startMs of starts) {
      const at = pace.length - 1 - (nowS - Math.floor(startMs / 1_000));
      if (at >= 0) pace[at] = (pace[at] ?? 0) + 1;
    }
    const span = Math.min(RATE_SECONDS * 1_000, Math.max(1_000, sinceMs()));
    const recent = starts.filter((startMs) => sinceMs() - startMs <= span).length;
    const states = new Map<string, number>();
    for (const { status, jobs } of counts) states.set(status, (states.get(status) ?? 0) + jobs);
    const order = [...STATES, ...[...states.keys()].filter((status) => !STATES.includes(status)).toSorted()];
    return {
      title,
      sinceMs: sinceMs(),
      workers: { all: workers, busy },
      daemon,
      live,
      dials: starts.length,
      callsPerMinute: Math.round((recent / span) * 60_000),
      pace,
      states: order.flatMap((status) => (states.has(status) ? [[status, states.get(status) ?? 0] as const] : [])),
      outcomes: [...outcomes].toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])),
      waiting: [...reasons].map(([batch, why]) => ({ batch, why, jobs: waitingIn(counts, batch) })).filter(({ jobs }) => jobs > 0),
      latest: [...latest],
    };
  }

  return {
    line: (line) => {
      if (line['event'] === 'settled' && typeof line['class'] === 'string')
        outcomes.set(line['class'], (outcomes.get(line['class']) ?? 0) + 1);
      const batch = line['batch_id'];
      if (typeof batch === 'string' && line['msg'] === 'a batch is not dialled') reasons.set(batch, String(line['text']));
      if (typeof batch === 'string' && line['msg'] === 'a batch may be dialled again') reasons.delete(batch);
      if (line['msg'] === 'snapshot') busy = busyIn(line['snapshot'], workers);
      const event = eventOf(line);
      if (event !== null) note(event);
      return event;
    },
    ledgerEntry: (entry) => {
      if (entry.event === 'dial') {
        starts.push(sinceMs());
        if (entry.rejected !== true) live += 1;
      } else if (entry.event === 'transition' && entry.live === false) live = Math.max(0, live - 1);
    },
    picture: (next) => {
      counts = next.counts;
    },
    note,
    daemon: (state) => {
      daemon = state;
      busy = null;
    },
    sinceMs,
    live: () => live,
    screen,
  };
}

function waitingIn(counts: Picture['counts'], batch: string): number {
  return counts
    .filter((one) => one.batch === batch && ['pending', 'scheduled', 'suspended'].includes(one.status))
    .reduce((sum, one) => sum + one.jobs, 0);
}

function busyIn(snapshot: unknown, workers: number): number | null {
  if (typeof snapshot !== 'object' || snapshot === null || !('parked' in snapshot)) return null;
  return typeof snapshot.parked === 'number' ? Math.max(0, workers - snapshot.parked) : null;
}
