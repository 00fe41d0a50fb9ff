/** The rows of one person as one contact: coupons counted, amounts summed, numbers once each, mobiles first. */
import { lineHash } from '../domain/phones.js';
import { addDays } from './dates.js';
import type { NumberKind } from './numbers.js';
import type { ImportRow, Remark } from './row.js';

export interface ContactDraft {
  /** Of its first row, which also orders the calls. */
  readonly line: number;
  readonly rows: number;
  readonly dni: string | null;
  /** Of a CUIT, which may have been suppressed before it was the person of its DNI. */
  readonly formerPerson: string | null;
  readonly name: string;
  readonly company: string;
  readonly amount: number | null;
  readonly dueDate: string | null;
  readonly maxDate: string | null;
  readonly phones: readonly string[];
  readonly reference: string;
  readonly timezone: string | null;
  readonly offer: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, string>>;
}

export interface Grouping {
  /** null: for the reasons among the remarks. */
  readonly contact: ContactDraft | null;
  readonly remarks: readonly Remark[];
}

/** Days that SpeechAI adds to a coupon's expiry and its delay. */
const DUE_AFTER_DAYS = 3;
const MAX_AFTER_DAYS = 7;

export function groupRows(all: readonly ImportRow[], allowDuplicates: boolean): Grouping {
  const { rows, remarks } = allowDuplicates ? { rows: all, remarks: [] } : withoutRepeats(all);
  const [first] = rows;
  if (first === undefined) return { contact: null, remarks };
  const broken = rows.flatMap((row) => row.broken);
  if (broken.length > 0) return { contact: null, remarks: [...remarks, ...broken, ...siblingsOf(rows, broken)] };
  const phones = phonesOf(rows);
  if (phones.length === 0)
    return { contact: null, remarks: [...remarks, ...rows.map((row) => rejected(row, 'it has no telephone number that can be dialled'))] };
  const amounts = rows.flatMap((row) => row.amount ?? []);
  const amount = amounts.length === 0 ? null : Math.round(amounts.reduce((sum, each) => sum + each, 0) * 100) / 100;
  if (amount !== null && amount < 0)
    return { contact: null, remarks: [...remarks, ...rows.map((row) => rejected(row, 'its amounts add up to less than nothing'))] };
  const said = (pick: (row: ImportRow) => string): string => rows.map(pick).find((text) => text !== '') ?? '';
  return {
    contact: {
      line: first.line,
      rows: rows.length,
      dni: first.dni,
      formerPerson: rows.find((row) => row.formerPerson !== null)?.formerPerson ?? null,
      name: said((row) => row.name),
      company: said((row) => row.company),
      amount,
      ...datesOf(rows),
      phones,
      reference: said((row) => row.reference),
      timezone: rows.find((row) => row.timezone !== null)?.timezone ?? null,
      offer: Object.assign({}, ...rows.map((row) => row.offer).toReversed()) as Record<string, string>,
      extra: Object.assign({}, ...rows.map((row) => row.extra).toReversed()) as Record<string, string>,
    },
    remarks,
  };
}

/** A row that is the same in every cell was exported twice; a contact without a RUT that comes again is the same contact. */
function withoutRepeats(all: readonly ImportRow[]): { readonly rows: readonly ImportRow[]; readonly remarks: readonly Remark[] } {
  const seen = new Map<string, number>();
  const remarks: Remark[] = [];
  const rows = all.filter((row) => {
    const print = row.dni === null && row.broken.length === 0 ? row.key : row.print;
    const before = seen.get(print);
    if (before === undefined) {
      seen.set(print, row.line);
      return true;
    }
    const reason = row.dni === null ? `its number is the one of line ${before}` : `it is the same as line ${before}`;
    remarks.push({ ...rejected(row, reason), effect: 'row repeated' });
    return false;
  });
  return { rows, remarks };
}

function siblingsOf(rows: readonly ImportRow[], broken: readonly Remark[]): readonly Remark[] {
  const lines = new Set(broken.map(({ line }) => line));
  return rows.flatMap((row) =>
    lines.has(row.line)
      ? []
      : [rejected(row, `line ${[...lines].join(', ')} of the same person is not understood, so its sum would be wrong`)],
  );
}

function rejected({ line }: ImportRow, reason: string): Remark {
  return { line, column: '', value: '', reason, effect: 'row rejected' };
}

const ORDER: readonly NumberKind[] = ['mobile', 'landline', 'any'];

function phonesOf(rows: readonly ImportRow[]): readonly string[] {
  const inOrder = ORDER.flatMap((kind) => rows.flatMap((row) => row.phones.filter((phone) => phone.kind === kind)));
  const seen = new Set<string>();
  return inOrder.flatMap(({ e164 }) => {
    const line = lineHash(e164);
    if (seen.has(line)) return [];
    seen.add(line);
    return [e164];
  });
}

/** As SpeechAI works them out: by the latest coupon until when, by the earliest until when at most. */
function datesOf(rows: readonly ImportRow[]): Pick<ContactDraft, 'dueDate' | 'maxDate'> {
  const given = (pick: (row: ImportRow) => string | null): readonly string[] => rows.flatMap((row) => pick(row) ?? []).toSorted();
  const coupons = rows
    .flatMap(({ expiry, daysLate }) => (expiry === null ? [] : [{ expiry, daysLate }]))
    .toSorted((a, b) => a.expiry.localeCompare(b.expiry));
  const [earliest, latest] = [coupons[0], coupons.at(-1)];
  return {
    dueDate: given((row) => row.dueDate).at(-1) ?? (latest === undefined ? null : addDays(latest.expiry, latest.daysLate + DUE_AFTER_DAYS)),
    maxDate:
      given((row) => row.maxDate)[0] ?? (earliest === undefined ? null : addDays(earliest.expiry, earliest.daysLate + MAX_AFTER_DAYS)),
  };
}
