/** A length of time in words: "6 s", "1.5 min". Delays of seconds are usual in trials, and "0 min" is no answer. */
export function spanText(ms: number): string {
  return ms < 60_000 ? `${String(Math.round(ms / 1000))} s` : `${String(minutesOf(ms))} min`;
}

/** To a tenth of a minute. */
export function minutesOf(ms: number): number {
  return Math.round(ms / 6_000) / 10;
}
