/** What a bad reply says, in words that may be logged and stored, and how long it asks us to wait. */
import type { IncomingHttpHeaders } from 'node:http';
import { isRecord, parseJson, textOf } from './json.js';

const MAX_FAULT_CHARS = 300;
/** Providers quote the number they refuse; no line of ours may carry it whole. */
const TELEPHONE = /\+?\d(?:[\d ().-]{5,}\d)/g;
const IP_ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

/** The provider has two shapes of error body, and a proxy in front of it has any. */
export function faultText(body: string): string {
  const json = parseJson(body);
  const told = isRecord(json) ? (textOf(json['message']) ?? textOf(json['error_message']) ?? textOf(json['error'])) : textOf(json);
  return clean(told ?? body);
}

export function clean(text: string): string {
  return text
    .slice(0, 4 * MAX_FAULT_CHARS)
    .replace(/\s+/g, ' ')
    .replace(TELEPHONE, (digits) => (digits.replace(/\D/g, '').length < 7 || IP_ADDRESS.test(digits) ? digits : `***${digits.slice(-2)}`))
    .trim()
    .slice(0, MAX_FAULT_CHARS);
}

/** Nobody who asks for a day means the one job that asked. */
export const LONGEST_PAUSE_MS = 10 * 60_000;

/** `Retry-After` as seconds or as a date, within reason; null where it is missing or senseless. */
export function retryAfterMs(headers: IncomingHttpHeaders, now: Date): number | null {
  const raw = headers['retry-after'];
  const text = textOf(Array.isArray(raw) ? raw[0] : raw);
  if (text === null) return null;
  const seconds = Number(text);
  const ms = Number.isNaN(seconds) ? Date.parse(text) - now.getTime() : Math.round(seconds * 1000);
  if (Number.isNaN(ms) || (ms < 0 && !Number.isNaN(seconds))) return null;
  return Math.min(LONGEST_PAUSE_MS, Math.max(0, ms));
}
