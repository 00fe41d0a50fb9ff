/** What an import counts while it looks: what is taken, what is not and why, and what looks wrong though it is valid. */
import type { ContactDraft } from './contact.js';
import type { ImportSettings } from './import-settings.js';
import type { Remark } from './row.js';

export interface Counts {
  rows: number;
  contacts: number;
  numbers: number;
  amount: number;
  /** Of which nothing is used, each once, however many reasons there are. */
  rejectedRows: number;
  droppedNumbers: number;
  remarks: number;
  alreadyWaiting: number;
  suppressed: number;
  recentlyCalled: number;
  /** Contacts without a value for a variable, by variable. */
  missing: Record<string, number>;
  /** Of the contacts: asked to pay until a day that is past; their last day past; nothing owed. */
  pastDue: number;
  pastMax: number;
  zeroDebt: number;
  /** By reason, the most frequent first: what was not used, and what was kept though it looks wrong. */
  reasons: Record<string, number>;
  kept: Record<string, number>;
}

/** One reason for people to count, without the figures and names in it, and where it was met first. */
export interface Reason {
  readonly kind: string;
  readonly kept: boolean;
  readonly count: number;
  readonly first: Remark;
}

export interface Tally {
  readonly counts: Counts;
  remark(remark: Remark): void;
  contact(contact: ContactDraft, settings: ImportSettings, today: string): void;
  /** The reasons, the most frequent first. */
  close(): readonly Reason[];
}

export function createTally(): Tally {
  const counts: Counts = {
    rows: 0,
    contacts: 0,
    numbers: 0,
    amount: 0,
    rejectedRows: 0,
    droppedNumbers: 0,
    remarks: 0,
    alreadyWaiting: 0,
    suppressed: 0,
    recentlyCalled: 0,
    missing: {},
    pastDue: 0,
    pastMax: 0,
    zeroDebt: 0,
    reasons: {},
    kept: {},
  };
  const why = new Map<string, Reason>();
  const rejected = createLines();
  return {
    counts,
    remark: (remark) => {
      if (remark.effect === 'row rejected' || remark.effect === 'row repeated') counts.rejectedRows += rejected.add(remark.line) ? 1 : 0;
      else if (remark.effect === 'number left out') counts.droppedNumbers += 1;
      else counts.remarks += 1;
      const kept = remark.effect === 'kept';
      const kind = kindOf(remark.reason);
      const key = `${String(kept)} ${kind}`;
      const before = why.get(key);
      const first = before === undefined || remark.line < before.first.line ? remark : before.first;
      why.set(key, { kind, kept, count: (before?.count ?? 0) + 1, first });
    },
    contact: ({ phones, amount, dueDate, maxDate }, settings, today) => {
      counts.contacts += 1;
      counts.numbers += phones.length;
      counts.amount += amount ?? 0;
      if (amount === 0) counts.zeroDebt += 1;
      // Dates of the settings rule over those of the file, and count from today.
      if (settings.dueInDays === null && dueDate !== null && dueDate < today) counts.pastDue += 1;
      if (settings.maxInDays === null && maxDate !== null && maxDate < today) counts.pastMax += 1;
    },
    close: () => {
      // Floats that are added up show digits that nobody wrote.
      counts.amount = Math.round(counts.amount * 100) / 100;
      const reasons = [...why.values()].sort((a, b) => b.count - a.count);
      const counted = (kept: boolean): Record<string, number> =>
        Object.fromEntries(reasons.flatMap((one) => (one.kept === kept ? [[one.kind, one.count]] : [])));
      counts.reasons = counted(false);
      counts.kept = counted(true);
      return reasons;
    },
  };
}

/** A bit a line: a file has millions of them, and reasons come in no order. */
function createLines(): { add(line: number): boolean } {
  let bits = new Uint8Array(1024);
  return {
    add: (line) => {
      const at = line >> 3;
      if (at >= bits.length) {
        const more = new Uint8Array(2 * (at + 1));
        more.set(bits);
        bits = more;
      }
      const bit = 1 << (line & 7);
      const before = bits[at] ?? 0;
      bits[at] = before | bit;
      return (before & bit) === 0;
    },
  };
}

const kindOf = (reason: string): string =>
  reason
    .replace(/\blines? \d+(?:, \d+)*/g, 'another line')
    .replace(/waits in \S+/, 'waits in another batch')
    .replace(/its check digit .*/, 'its check digit is wrong')
    .trim();
