/** Who is meant by a telephone number or an identity number, and the words of a suppression file. */
import { createHash } from 'node:crypto';
import { readDay, withoutTime } from './days.js';
import { momentIn } from './moments.js';
import { digitWarning, formerPersonHash, isCuit, normalisePerson, personHash, readIdentity, writtenPerson } from './person.js';
import { maskPhone, readPhone } from './phones.js';

export interface Who {
  readonly line: string | null;
  readonly person: string | null;
  /** `+56*****910`, `12***78-K`: enough to recognise, too little to call. */
  readonly masked: string;
  /** Where the same person may have been stored before. */
  readonly formerPerson: string | null;
  /** What is wrong with its check digit, for people. */
  readonly warning: string | null;
  /** Other ids that the same words may stand for in jobs: blocked with it. */
  readonly also: readonly Who[];
}

export function phoneOf(written: string, country: string | null): Who | null {
  const { e164, line } = readPhone(written, country);
  return e164 === null || line === null
    ? null
    : { line, person: null, masked: maskPhone(e164), formerPerson: null, warning: null, also: [] };
}

/**
 * A person as written. With a wrong check digit also whoever has the right one: jobs keep an id as their file had it, and nobody knows which
 * of the two has the slip. In Chile a RUT without its digit is kept by imports with it, by other programs without.
 */
export function personOf(written: string, country: string | null = null): Who | null {
  const bare = writtenPerson(written);
  if (bare === null) return null;
  const { id, rightDigit } = readIdentity(written, countryOf(written, country)) ?? { id: bare, rightDigit: null };
  const others = [...new Set([bare, rightDigit === null || rightDigit === '-' ? id : `${bare.slice(0, -1)}${rightDigit}`])];
  const own = personHash(id);
  return {
    ...known(id),
    formerPerson: formerPersonHash(written),
    warning: digitWarning({ rightDigit }),
    also: others.map(known).filter(({ person }) => person !== own),
  };
}

/** Of somebody whose country is not known, what the form alone says. */
function countryOf(written: string, country: string | null): string | null {
  if (isCuit(written)) return 'AR';
  return RUT.test(written.trim()) ? 'CL' : country;
}

function known(id: string): Who {
  const person = normalisePerson(id) ?? id;
  return {
    line: null,
    person: personHash(id),
    masked: `${person.slice(0, 2)}***${person.slice(-2)}`,
    formerPerson: null,
    warning: null,
    also: [],
  };
}

const RUT = /^\d{1,2}\.?\d{3}\.?\d{3}-?k$|^\d{1,2}\.?\d{3}\.?\d{3}-\d$/i;
const DNI = /^\d{7,8}$|^\d{1,2}\.\d{3}\.\d{3}$/;

/**
 * Whoever a text without a heading means. Nine bare digits are a RUT only where they cannot be a Chilean telephone as well: else they mean
 * nobody, because a number blocked as a person goes on ringing.
 */
export function whoIs(written: string, country: string | null): Who | null {
  const bare = written.trim();
  const phone = phoneOf(bare, country);
  if (phone !== null) return phone;
  if (bareRut(bare) !== null) return phoneOf(bare, 'CL') === null ? personOf(bare, 'CL') : null;
  return RUT.test(bare) || DNI.test(bare) || isCuit(bare) ? personOf(bare, country) : null;
}

/** For a question, which may ask for both a telephone and a person, all that the text can be. */
export function whoMayBe(written: string, country: string | null): readonly Who[] {
  const bare = written.trim();
  const all = [
    whoIs(bare, country),
    bareRut(bare) === null ? null : personOf(bare, 'CL'),
    bareRut(bare) === null ? null : phoneOf(bare, 'CL'),
  ];
  const found = all.flatMap((who) => who ?? []);
  return found.filter(({ line, person }, index) => found.findIndex((other) => other.line === line && other.person === person) === index);
}

/** `123456785`, as imports show a person: nine digits whose last is the check digit of the others. */
function bareRut(text: string): string | null {
  return /^\d{9}$/.test(text) && readIdentity(text, 'CL')?.rightDigit === null ? text : null;
}

/** The same phone or person in the same scope is one entry, whoever adds it. */
export function entryId(who: Pick<Who, 'line' | 'person'>, account: string | null, batch: string | null): string {
  const key = JSON.stringify([who.line, who.person, account, batch]);
  return `op:${createHash('sha256').update(key).digest('hex').slice(0, 24)}`;
}

/** What was blocked only because the words for `who` may mean it: ended with it, and apart from what is said of `other` itself. */
export function alsoId(who: Who, other: Who, account: string | null, batch: string | null): string {
  return entryId({ line: other.line, person: `${other.person ?? ''} for ${who.person ?? ''}` }, account, batch);
}

/** `30d`, `12h`, or a date as imports read them: until when it holds. A day without a time is part of it. null: not understood. */
export function expiryOf(written: string, now: Date, zone: string): Date | null {
  const relative = /^(\d{1,4})(h|d)$/.exec(written.trim());
  if (relative !== null) return new Date(now.getTime() + Number(relative[1]) * (relative[2] === 'h' ? 3_600_000 : 86_400_000));
  if (/\d:\d{2}/.test(written)) {
    const moment = momentIn(written, zone);
    if (moment !== null) return moment;
  }
  const day = readDay(withoutTime(written));
  return day === null ? null : momentIn(day, zone, 'is over');
}

export interface Columns {
  readonly phone: number | null;
  readonly person: number | null;
  readonly reason: number | null;
  readonly expires: number | null;
}

const HEADINGS: Readonly<Record<keyof Columns, RegExp>> = {
  phone: /^(phone|phones|telephone|telefonos|tel|telefono|numero|number|celular|movil|fono|to_number|phone_number)$/,
  person: /^(person|rut|dni|cuit|cuil|cuit_cuil|ruts|rut_dni|rut_cliente|documento|cedula|identificacion|identity)$/,
  reason: /^(reason|motivo|razon)$/,
  expires: /^(expires|expires_at|until|hasta|vence|vencimiento|expira|fecha_vencimiento)$/,
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
