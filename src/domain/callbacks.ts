/** The time at which a contact asked to be called again, from what the agent wrote down during the call. */
import { Temporal } from 'temporal-polyfill';
import type { CallReading } from './call.js';

const DAYTIME = '10:00';
const HORIZON_MS = 30 * 24 * 3_600_000;

/**
 * The agreed time, or null where there is none that can be understood. Texts without an offset are local to `timezone`;
 * a time already past or more than 30 days ahead is a misheard one: obeying it would redial at once, or never.
 */
export function callbackTime(reading: CallReading, variableName: string, timezone: string, now: Date): Date | null {
  for (const written of writtenTimes(reading, variableName)) {
    const epochMs = epochOf(written, timezone);
    if (epochMs !== null && epochMs > now.getTime() && epochMs <= now.getTime() + HORIZON_MS) return new Date(epochMs);
  }
  return null;
}

/** The analysis looks back over the whole call and comes before what was noted during it. */
function writtenTimes(reading: CallReading, variableName: string): unknown[] {
  const custom = reading.analysis?.['custom_analysis_data'];
  return [isRecord(custom) ? custom[variableName] : undefined, reading.collected?.[variableName]];
}

function epochOf(written: unknown, timezone: string): number | null {
  if (typeof written === 'number') return epochFromNumber(written);
  if (typeof written !== 'string') return null;
  const text = written.trim();
  if (/^\d{10}(\d{3})?(\.0+)?$/.test(text)) return epochFromNumber(Number(text));
  // A day without a time: nobody asked to be called at midnight.
  const timed = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T${DAYTIME}` : text;
  // Agents write `9:30`; the standard wants `09:30`.
  const padded = timed.replace(/([ Tt])(\d):(\d\d)/, '$10$2:$3');
  return tried(() => Temporal.Instant.from(padded).epochMilliseconds) ?? tried(() => localEpoch(padded, timezone));
}

/** In the hour that a clock change skips, the later reading; in the one it repeats, the first: never earlier than agreed. */
function localEpoch(text: string, timezone: string): number {
  return Temporal.PlainDateTime.from(text).toZonedDateTime(timezone, { disambiguation: 'compatible' }).epochMilliseconds;
}

/** Seconds or milliseconds: no callback lies in 1970, and none in the year 33000. */
function epochFromNumber(value: number): number | null {
  if (!Number.isFinite(value) || value <= 0) return null;
  return value < 100_000_000_000 ? value * 1000 : value;
}

/** Whatever cannot be parsed, a bad time zone included, is no time. */
function tried(parse: () => number): number | null {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof RangeError || thrown instanceof TypeError) return null;
    throw thrown;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
