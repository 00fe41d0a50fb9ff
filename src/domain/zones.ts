/** Whose clock a rule is read on. */
import { Temporal } from 'temporal-polyfill';
import type { Account } from './account.js';
import type { Batch } from './batch.js';
import type { Contact } from './job.js';
import type { Policy } from './decision.js';

const known = new Map<string, boolean>();

/** True for an IANA zone name. Fixed offsets (`+03:00`) are none: they would be an hour wrong for half of the year. */
export function isZone(name: string): boolean {
  const before = known.get(name);
  if (before !== undefined) return before;
  const valid = /^[A-Za-z][A-Za-z0-9_+\-/]{1,63}$/.test(name) && accepts(name);
  if (known.size < 1_000) known.set(name, valid);
  return valid;
}

function accepts(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

/** The zone most of a country lives in. Countries with several zones of equal weight (US, CA...) have none: the account must say. */
const COUNTRY_ZONES: Readonly<Record<string, string>> = {
  AR: 'America/Argentina/Buenos_Aires',
  BO: 'America/La_Paz',
  BR: 'America/Sao_Paulo',
  CL: 'America/Santiago',
  CO: 'America/Bogota',
  CR: 'America/Costa_Rica',
  DO: 'America/Santo_Domingo',
  EC: 'America/Guayaquil',
  ES: 'Europe/Madrid',
  GT: 'America/Guatemala',
  HN: 'America/Tegucigalpa',
  MX: 'America/Mexico_City',
  NI: 'America/Managua',
  PA: 'America/Panama',
  PE: 'America/Lima',
  PR: 'America/Puerto_Rico',
  PT: 'Europe/Lisbon',
  PY: 'America/Asuncion',
  SV: 'America/El_Salvador',
  UY: 'America/Montevideo',
  VE: 'America/Caracas',
};

export interface Zone {
  readonly name: string;
  readonly source: 'contact.timezone' | 'batch.call_settings.timezone' | 'account.timezone' | 'account.country' | 'DEFAULT_TIMEZONE';
}

export function accountZone(account: Account | 'missing', policy: Policy): Zone {
  if (account !== 'missing') {
    if (account.timezone !== null) return { name: account.timezone, source: 'account.timezone' };
    const national = COUNTRY_ZONES[account.country];
    if (national !== undefined) return { name: national, source: 'account.country' };
  }
  return { name: policy.defaultTimezone, source: 'DEFAULT_TIMEZONE' };
}

export function batchZone(batch: Batch | 'missing', account: Account | 'missing', policy: Policy): Zone {
  if (batch !== 'missing' && batch.settings.timezone !== null)
    return { name: batch.settings.timezone, source: 'batch.call_settings.timezone' };
  return accountZone(account, policy);
}

export function contactZone(contact: Contact, batch: Batch | 'missing', account: Account | 'missing', policy: Policy): Zone {
  if (contact.timezone !== null) return { name: contact.timezone, source: 'contact.timezone' };
  return batchZone(batch, account, policy);
}
