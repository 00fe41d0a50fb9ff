/** Times for a person: on the clock by which the rules are judged, not in UTC, which nobody beside the database lives by. */

const ISO = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z/g;

/** Every moment in a line, written as that zone's clock shows it. */
export function onClock(line: string, zone: string): string {
  return line.replace(ISO, (found) => clockTime(new Date(found), zone));
}

/** 2026-11-23 09:00:00 */
export function clockTime(at: Date, zone: string): string {
  return Number.isFinite(at.getTime())
    ? new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(at)
    : 'no time';
}
