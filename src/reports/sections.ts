/** The figures as tables of raw values with headings: what every way of showing them has in common. */
import type { Cell } from './columns.js';
import type { Figures, Row } from './figures.js';

export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface About {
  readonly title: string;
  readonly since: Date | null;
  readonly until: Date | null;
  readonly at: Date;
}

const round = (value: number | null, digits: number): number | null => (value === null ? null : Number(value.toFixed(digits)));
const of = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;
const percent = (rate: number | null): number | null => round(rate === null ? null : rate * 100, 1);

export function sectionsOf(figures: Figures): readonly Section[] {
  const { contacts, calls, byOutcome, byDay, byHour, byNumber } = figures;
  return [
    {
      title: 'Summary',
      head: ['measure', 'value', 'of'],
      rows: [
        ['contacts', contacts.total, 'as they stand now'],
        ['contacts called', contacts.called, 'in the period'],
        ['contacts reached', contacts.pickedUp, 'a person picked up'],
        ['contact rate %', percent(contacts.contactRate), `${contacts.called} called`],
        ['contacts with success', contacts.succeeded, 'by the analysis of the call'],
        ['calls', calls.calls, null],
        ['calls live now', calls.live, null],
        ['calls picked up', calls.pickedUp, 'a person did, no machine'],
        ['calls talked', calls.talked, `outcome "answered", ${of(calls.pickedUp - calls.talked, 'other')} picked up`],
        ['pick-up rate %', percent(calls.pickUpRate), `picked up of ${of(calls.ended, 'ended call')}`],
        ['success rate %', percent(calls.successRate), of(calls.ended, 'ended call')],
        ['minutes', round(calls.minutes, 1), null],
        ['mean seconds', round(calls.meanSeconds, 1), of(calls.pickedUp, 'picked-up call')],
        ['dollars', round(calls.dollars, 4), costNote(figures)],
        ['dollars per picked-up call', round(calls.dollarsPerPickUp, 4), of(calls.pickedUp, 'picked-up call')],
        ['dollars per success', round(calls.dollarsPerSuccess, 4), of(calls.successes, 'success', 'successes')],
        ['debt', round(contacts.debt, 2), 'of all contacts, as they stand now'],
        ['promises to pay', contacts.promises, 'of all contacts, as they stand now'],
        ['promised', round(contacts.promised, 2), 'amounts that were named'],
        ['first call', figures.firstCall, null],
        ['last call', figures.lastCall, null],
      ],
    },
    { title: 'Contacts by status', head: ['status', 'contacts'], rows: Object.entries(contacts.byStatus) },
    {
      title: 'Calls by outcome',
      head: ['outcome', 'calls', 'share %', 'picked up', 'minutes', 'dollars'],
      rows: byOutcome.map(({ key, calls: n, share, pickedUp, minutes, dollars }) => [
        key === 'answered' ? 'answered (talked)' : key,
        n,
        percent(share),
        pickedUp,
        round(minutes, 1),
        round(dollars, 4),
      ]),
    },
    { title: 'Calls by day', head: headOf('day'), rows: byDay.map(cellsOf) },
    { title: 'Calls by hour', head: headOf('hour'), rows: byHour.map(cellsOf) },
    { title: 'Calls by number of the contact', head: headOf('number'), rows: byNumber.map(cellsOf) },
  ];
}

function costNote({ calls: { provisional, unpriced } }: Figures): string | null {
  const notes = [
    ...(provisional === 0 ? [] : [`the cost of ${provisional} is not final`]),
    ...(unpriced === 0 ? [] : [`that of ${unpriced} is not known`]),
  ];
  return notes.length === 0 ? null : notes.join(', ');
}

const headOf = (key: string): string[] => [key, 'calls', 'picked up', 'talked', 'pick-up rate %', 'successes', 'minutes', 'dollars'];

function cellsOf({ key, calls, pickedUp, talked, pickUpRate, successes, minutes, dollars }: Row): Cell[] {
  return [key, calls, pickedUp, talked, percent(pickUpRate), successes, round(minutes, 1), round(dollars, 4)];
}

/** As a person reads it; files for programs get the raw value. */
export function cellText(cell: Cell): string {
  if (cell === null) return '';
  return cell instanceof Date ? cell.toISOString() : String(cell);
}

export function periodText({ since, until }: About): string {
  if (since === null && until === null) return 'all calls';
  return `calls ${since === null ? '' : `from ${since.toISOString()}`}${until === null ? '' : `${since === null ? '' : ' '}before ${until.toISOString()}`}`;
}
