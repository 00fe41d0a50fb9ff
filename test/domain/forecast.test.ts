import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { loadOutcomes } from '../../src/config/outcomes-file.js';
import type { Job } from '../../src/domain/job.js';
import { forecast, mixOf } from '../../src/domain/forecast.js';
import type { ForecastInput, OutcomeShare } from '../../src/domain/forecast-input.js';
import { seededRandom } from '../../src/domain/random.js';
import { readAccount } from '../../src/domain/read-account.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { NO_PACKS } from '../../src/domain/rules.js';
import { playOnce } from '../../src/domain/simulation.js';
import { createTimeline } from '../../src/domain/timeline.js';
import { accountDoc, batchDoc, job, NOON, POLICY } from './samples.js';

const TABLE = loadOutcomes(null).table;
const ANSWERED: readonly OutcomeShare[] = [{ class: 'answered', weight: 1, meanDurationMs: 60_000, meanCostMicros: 100_000 }];
const SILENT: readonly OutcomeShare[] = [{ class: 'no_answer', weight: 1, meanDurationMs: 0, meanCostMicros: 10_000 }];

const jobs = (count: number): readonly Job[] =>
  Array.from({ length: count }, (_, n) =>
    job({
      _id: `doc-${String(n)}`,
      job_id: `j${String(n)}`,
      contact: { name: 'Ana', dni: `${String(10_000_000 + n)}K`, phones: [`+569${String(10_000_000 + n)}`] },
    }),
  );

const input = (more: Partial<ForecastInput> = {}): ForecastInput => ({
  jobs: jobs(40),
  scale: 1,
  batch: readBatch(batchDoc()),
  account: readAccount(accountDoc({ plan_type: 'unlimited' })),
  ledger: null,
  suppressions: [],
  history: [],
  mix: ANSWERED,
  policy: { ...POLICY, maxConcurrentCalls: 4 },
  packs: NO_PACKS,
  table: TABLE,
  callsPerSecond: 5,
  from: NOON,
  runs: 5,
  seed: 1,
  ...more,
});

const codes = (more: Partial<ForecastInput>): readonly string[] => forecast(input(more)).binding.map(({ code }) => code);

describe('forecast', () => {
  it('the same seed gives the same forecast, another seed another', () => {
    expect(forecast(input())).toEqual(forecast(input()));
    expect(forecast(input({ seed: 99 })).endP50).not.toEqual(forecast(input()).endP50);
  });

  it("a caller number's cap of the hour binds, for what it has called before and for what it will call", () => {
    const from = '+56600000001';
    const capped = {
      ...POLICY,
      fromNumbers: [from],
      maxConcurrentCalls: 40,
      callerRules: { maxPerHour: 10, blocksToRest: null, restMs: 0 },
    };
    const minutesOf = (more: Partial<ForecastInput>): number =>
      ((forecast(input({ policy: capped, ...more })).endP50?.getTime() ?? 0) - NOON.getTime()) / 60_000;
    expect(codes({ policy: capped })).toContain('CALLER_CAP');
    // Forty calls, ten an hour: the last ten begin after three hours.
    expect(minutesOf({})).toBeGreaterThanOrEqual(180);
    const before = Array.from({ length: 10 }, (_, n) => new Date(NOON.getTime() - (n + 1) * 1_000));
    expect(minutesOf({ callers: new Map([[from, { blocks: [], calls: before }]]) })).toBeGreaterThanOrEqual(239);
  });

  it('every contact that answers is one call, and P90 is no earlier than P50', () => {
    const result = forecast(input());
    expect(result).toMatchObject({ callsP50: 40, answered: 40, failed: 0, left: 0, leftBecause: null });
    expect(result.endP90?.getTime()).toBeGreaterThanOrEqual(result.endP50?.getTime() ?? Infinity);
    expect(result.costMicrosP90).toBeGreaterThanOrEqual(result.costMicrosP50);
    // 40 calls of a minute and nine seconds of ringing over four slots: about a quarter of an hour.
    const minutes = ((result.endP50?.getTime() ?? 0) - NOON.getTime()) / 60_000;
    expect(minutes).toBeGreaterThan(6);
    expect(minutes).toBeLessThan(25);
  });

  it('plays the rules after a call: nobody answers, so each contact is tried as often as the batch allows', () => {
    const result = forecast(input({ mix: SILENT, batch: readBatch(batchDoc({ max_attempts: 2 })) }));
    expect(result).toMatchObject({ callsP50: 80, answered: 0, failed: 40 });
  });

  it.each<[string, Partial<ForecastInput>, string]>([
    ['slots', {}, 'CONCURRENCY'],
    ['the pace', { callsPerSecond: 0.01 }, 'PACE'],
    ['the hours', { batch: readBatch(batchDoc({ allowed_hours: { start: '18:00', end: '20:00' } })) }, 'WINDOW_CLOSED'],
    ['the daily cap', { batch: readBatch(batchDoc({ max_calls_per_day: 5 })) }, 'BUDGET_BATCH'],
    ['retries', { mix: SILENT }, 'RETRY_DELAY'],
  ])('names what binds: %s', (_, more, code) => {
    expect(codes(more)[0]).toBe(code);
  });

  it('P4: never plays more calls in a day than its cap, nor spends more than is there', () => {
    const capped = playOnce(input({ batch: readBatch(batchDoc({ max_calls_per_day: 10 })) }), seededRandom(3));
    expect(capped.endedAt?.getTime()).toBeGreaterThan(NOON.getTime() + 2 * 86_400_000);
    const poor = forecast(input({ account: readAccount(accountDoc({ credit_balance: 1 })) }));
    expect(poor.endP50).toBeNull();
    expect(poor.left).toBeGreaterThan(25);
    expect(poor.leftBecause).toContain('does not pay');
  });

  it('a batch that nobody lets run does not end, and says why', () => {
    const result = forecast(input({ batch: readBatch(batchDoc(null, { is_active: false })) }));
    expect(result).toMatchObject({ endP50: null, callsP50: 0, left: 40 });
    expect(result.leftBecause).toContain('paused');
  });

  it.each([20, 6, 2])('a sample stands for all: as many calls, as much of %i slots as its share', (maxConcurrentCalls) => {
    const policy = { ...POLICY, maxConcurrentCalls };
    const whole = forecast(input({ jobs: jobs(400), policy }));
    const sampled = forecast(input({ jobs: jobs(100), scale: 4, policy, runs: 15 }));
    expect(sampled.callsP50).toBe(whole.callsP50);
    const minutes = (at: Date | null): number => ((at?.getTime() ?? 0) - NOON.getTime()) / 60_000;
    expect(Math.abs(minutes(sampled.endP50) - minutes(whole.endP50))).toBeLessThan(0.25 * minutes(whole.endP50));
  });

  it('leans on the usual mix while a batch has few calls, and on its own afterwards', () => {
    const share = (calls: number): number => {
      const mix = mixOf([{ class: 'busy', calls, meanDurationMs: 0, meanCostMicros: 0 }]);
      const total = mix.reduce((sum, { weight }) => sum + weight, 0);
      return (mix.find((one) => one.class === 'busy')?.weight ?? 0) / total;
    };
    expect(share(0)).toBeLessThan(0.1);
    expect(share(2_000)).toBeGreaterThan(0.9);
  });

  test.prop([fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 6 }), fc.integer(), fc.constantFrom(ANSWERED, SILENT, mixOf([]))], {
    numRuns: 30,
  })('every job is finished or left, whatever is played', (count, slots, seed, mix) => {
    const run = playOnce(input({ jobs: jobs(count), policy: { ...POLICY, maxConcurrentCalls: slots }, mix }), seededRandom(seed));
    expect(run.answered + run.failed + run.left).toBe(count);
    expect(run.calls).toBeLessThanOrEqual(count * (3 + POLICY.transientRetries));
  });
});

describe('the virtual clock', () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 50 }))])('gives things in the order of their time, and of their putting in', (times) => {
    const timeline = createTimeline<readonly [number, number]>();
    times.forEach((at, n) => timeline.put(at, [at, n]));
    const taken: (readonly [number, number])[] = [];
    for (let next = timeline.take(); next !== null; next = timeline.take()) taken.push(next);
    const sorted = times.map((at, n) => [at, n] as const).toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
    expect(taken).toEqual(sorted);
    expect(timeline.nextMs()).toBeNull();
  });
});
