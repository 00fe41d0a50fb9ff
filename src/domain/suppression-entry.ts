/** Who is meant by a telephone number or an identity number, and the words of a suppression file. */
import { createHash } from 'node:crypto';
import { momentIn } from './moments.js';
import { normalisePerson, personHash } from './person.js';
import { maskPhone, readPhone } from './phones.js';

export interface Who {
  readonly line: string | null;
  readonly person: string | null;
  /** `+56*****910`, `12***78-K`: enough to recognise, too little to call. */
  readonly masked: string;
}

export function phoneOf(written: string, country: string | null): Who | null {
  const { e164, line } = readPhone(written, country);
  return e164 === null || line === null ? null : { line, person: null, masked: maskPhone(e164) };
}

export function personOf(written: string): Who | null {
  const person = normalisePerson(written);
  return person === null ? null : { line: null, person: personHash(written), masked: `${person.slice(0, 2)}***${person.slice(-2)}` };
}

const RUT = /^\d{1,2}\.?\d{3}\.?\d{3}-?k$|^\d{1,2}\.?\d{3}\.?\d{3}-\d$/i;
const DNI = /^\d{7,8}$|^\d{1,2}\.\d{3}\.\d{3}$/;

/**
 * Whoever a text without a heading means. Nine bare digits may be a Chilean mobile or a RUT without its dash: they mean nobody, because a
 * number blocked as a person goes on ringing.
 */
export function whoIs(written: string, country: string | null): Who | null {
  const bare = written.trim();
  return phoneOf(bare, country) ?? (RUT.test(bare) || DNI.test(bare) ? personOf(bare) : null);
}

/** The same phone or person in the same scope is one entry, whoever adds it. */
export function entryId(who: Who, account: string | null, batch: string | null): string {
  const key = JSON.stringify([who.line, who.person, account, batch]);
  return `op:${createHash('sha256').update(key).digest('hex').slice(0, 24)}`;
}

/** `30d`, `12h`, or a date: until when it holds. null: not understood. */
export function expiryOf(written: string, now: Date, zone: string): Date | null {
  const relative = /^(\d{1,4})(h|d)$/.exec(written.trim());
  if (relative !== null) return new Date(now.getTime() + Number(relative[1]) * (relative[2] === 'h' ? 3_600_000 : 86_400_000));
  return momentIn(written, zone);
}

export interface Columns {
  readonly phone: number | null;
  readonly person: number | null;
  readonly reason: number | null;
  readonly expires: number | null;
}

const HEADINGS: Readonly<Record<keyof Columns, RegExp>> = {
  phone: /^(phone|telephone|tel|telefono|numero|number|celular|movil|fono|to_number|phone_number)$/,
  person: /^(person|rut|dni|ruts|rut_dni|documento|identity)$/,
  reason: /^(reason|motivo|razon)$/,
  expires: /^(expires|expires_at|until|hasta|vence)$/,
};

/** The columns by their heading, accents and case forgiven; null where the first line is no heading but already an entry. */
export function columnsOf(cells: readonly string[]): Columns | null {
  const names = cells.map((cell) =>
    cell
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, '_'),
  );
  const at = (key: keyof Columns): number | null => {
    const found = names.findIndex((name) => HEADINGS[key].test(name));
    return found < 0 ? null : found;
  };
  const columns: Columns = { phone: at('phone'), person: at('person'), reason: at('reason'), expires: at('expires') };
  return columns.phone === null && columns.person === null ? null : columns;
}
