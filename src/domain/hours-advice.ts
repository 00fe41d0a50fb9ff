/** Hours that are valid and seldom meant: said when a batch is made, never refused. */
import type { Batch, Week } from './batch.js';
import type { RulePack } from './rules.js';

const DAY_MINUTES = 1_440;

export const AT_ANY_HOUR = 'it has neither hours nor a rule pack, so it is dialled at any hour of every day (allowed_hours, rules)';

/** `pack`: the one that the batch goes by. */
export function hoursAdvice({ settings: { week } }: Batch, pack: RulePack | null): readonly string[] {
  if (week === null) return (pack?.week ?? null) === null ? [AT_ANY_HOUR] : [];
  const spans = overMidnight(week);
  return spans === null
    ? []
    : [`its hours run over midnight, ${spans}, so it is dialled at night; for the day between them turn the two times round`];
}

/** The first evening that goes on into the next morning; a day that is open as a whole is no night. */
function overMidnight(week: Week): string | null {
  for (let day = 1; day <= 7; day += 1) {
    const evening = week[day]?.at(-1);
    const morning = week[(day % 7) + 1]?.[0];
    if (evening?.to === DAY_MINUTES && evening.from > 0 && morning?.from === 0 && morning.to < DAY_MINUTES)
      return `${clock(evening.from)}-${clock(morning.to)}`;
  }
  return null;
}

const clock = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
