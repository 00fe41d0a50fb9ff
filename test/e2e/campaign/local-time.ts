/** Wall clocks of other zones by the runtime's own calendar: the program under test uses another library, so that both cannot be wrong alike. */

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const formats = new Map<string, Intl.DateTimeFormat>();

export interface LocalTime {
  /** 1 (Monday) to 7. */
  readonly weekday: number;
  readonly minute: number;
  readonly date: string;
}

export const localTime = (atMs: number, zone: string): LocalTime => {
  const parts = new Map(formatOf(zone).formatToParts(atMs).map(({ type, value }) => [type, value])); // prettier-ignore
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? '';
  return {
    weekday: DAYS.indexOf(part('weekday')) + 1,
    minute: Number(part('hour')) * 60 + Number(part('minute')),
    date: `${part('year')}-${part('month')}-${part('day')}`,
  };
};

/** `09:05` on the clock of the zone. */
export const clockText = (atMs: number, zone: string): string => {
  const { minute } = localTime(atMs, zone);
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
};

const formatOf = (zone: string): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  }); // prettier-ignore
  formats.set(zone, made);
  return made;
};
