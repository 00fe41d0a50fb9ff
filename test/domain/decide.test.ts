import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import type { Batch } from '../../src/domain/batch.js';
import { batchGates, decide, explainGates } from '../../src/domain/decide.js';
import type { Decision, Facts, Policy, Suppression } from '../../src/domain/decision.js';
import { accountDayKey, batchDayKey, installationDayKey } from '../../src/domain/limits.js';
import { batchState } from '../../src/domain/gates-batch.js';
import { readAccount } from '../../src/domain/read-account.js';
import { impliedBatch, readBatch } from '../../src/domain/read-batch.js';
import { readJob } from '../../src/domain/read-job.js';
import type { Packs, RulePack } from '../../src/domain/rules.js';
import { isOpen } from '../../src/domain/windows.js';
import { readWeek } from '../../src/domain/week.js';
import { loadPacks } from '../../src/config/packs.js';
import { NOON, POLICY, accountDoc, batchDoc, called, facts, job, jobDoc } from './samples.js';

const PACKS = loadPacks();
const answer = (more: Partial<Facts> = {}, policy: Partial<Policy> = {}, packs: Packs = PACKS): Decision =>
  decide(facts(more), { ...POLICY, ...policy }, packs);
const codes = (decision: Decision): readonly string[] => (decision.kind === 'dial' ? [] : decision.reasons.map(({ code }) => code));
const batch = (settings: unknown = null, more = {}) => readBatch(batchDoc(settings, more));
const account = (more = {}) => readAccount(accountDoc(more));
const block = (more: Partial<Suppression>): Suppression => ({
  line: null,
  person: null,
  account: null,
  batch: null,
  reason: 'asked for it',
  expiresAt: null,
  ...more,
});
/** The decision in short: what becomes of the job, and until when. */
const shown = (decision: Decision): readonly [string, string | null] => {
  if (decision.kind === 'wait') return ['wait', decision.until?.toISOString() ?? null];
  const parts = decision.kind === 'stop' ? [decision.status, decision.suspendReason] : [];
  return [[decision.kind, ...parts].filter((part) => part !== null).join(' '), null];
};
const HOURS = { allowed_hours: { start: '09:00', end: '18:00' }, days_of_week: [1, 2, 3, 4, 5] };

test('a success of one of our own calls is told by the status: what is pending after it was asked to be called again', () => {
  expect(answer({ job: job({ call_result: { success: true, attempt_id: 'T' } }) }).kind).toBe('dial');
  expect(answer({ job: job({ call_result: { success: 'true' } }) }).kind).toBe('dial');
});

test('a plain job is dialled, with everything the call needs', () => {
  expect(
    answer({
      batch: batch({ ring_timeout: 20, max_concurrent_calls: 4 }),
      account: account({ daily_call_limit: 500, max_concurrent_calls: 7 }),
    }),
  ).toEqual({
    kind: 'dial',
    phoneIndex: 0,
    to: '+56911112222',
    line: job().contact.phones[0]?.line,
    person: job().contact.person,
    from: expect.stringMatching(/^\+5660010020[01]$/) as string,
    agentId: 'agent_1',
    ringMs: 20_000,
    maxDurationMs: 600_000,
    estimate: { micros: 1_520_000, ms: 0 },
    counts: [
      { key: accountDayKey(NOON, 'America/Santiago'), max: 500 },
      { key: batchDayKey('batch-1', NOON, 'America/Santiago'), max: null },
    ],
    slots: { installation: 10, account: 7, batch: 4 },
    timezone: 'America/Santiago',
  });
});

describe('P4: what shuts, and what becomes of the job', () => {
  const noon = (text: string) => new Date(text);
  const cases: readonly [string, Partial<Facts>, string, string | null, string][] = [
    ['a paused batch', { batch: batch(null, { is_active: false }) }, 'wait', null, 'PAUSED'],
    ['a batch that does not exist', { batch: 'missing' }, 'wait', null, 'BATCH_MISSING'],
    ['hours that are not understood', { batch: batch({ allowed_hours: '9-18' }) }, 'wait', null, 'BATCH_UNREADABLE'],
    ['a completed batch', { batch: batch(null, { state: 'completed' }) }, 'wait', null, 'COMPLETED'],
    ['a cancelled batch', { batch: batch(null, { state: 'cancelled' }) }, 'stop cancelled', null, 'CANCELLED'],
    ['a success that the old worker recorded', { job: job({ call_result: { success: true } }) }, 'stop done', null, 'SUCCEEDED'],
    [
      'the same in a batch that is cancelled: whoever was talked to stays talked to',
      { job: job({ call_result: { success: true } }), batch: batch(null, { state: 'cancelled' }) },
      'stop done',
      null,
      'SUCCEEDED',
    ],
    [
      'a job that names no account',
      { job: job({ account_id: null }), account: 'missing' },
      'stop suspended unreadable',
      null,
      'ACCOUNT_UNNAMED',
    ],
    ['a draining batch, for new work', { batch: batch(null, { state: 'draining' }) }, 'wait', null, 'DRAINING'],
    [
      'a batch that starts later',
      { batch: batch(null, { start_at: '2026-11-20T12:00:00Z' }) },
      'wait',
      '2026-11-20T12:00:00.000Z',
      'NOT_STARTED',
    ],
    ['a batch that ended', { batch: batch(null, { end_at: '2026-11-18T15:00:00Z' }) }, 'wait', null, 'EXPIRED'],
    ['an account that does not exist', { account: 'missing' }, 'wait', null, 'ACCOUNT_MISSING'],
    ['a suspended account', { account: account({ status: 'suspended' }) }, 'wait', null, 'ACCOUNT_INACTIVE'],
    ['an account without a status', { account: account({ status: null }) }, 'wait', null, 'ACCOUNT_INACTIVE'],
    ['an expired account', { account: account({ expires_at: noon('2026-11-01') }) }, 'wait', null, 'ACCOUNT_EXPIRED'],
    ['an unknown plan', { account: account({ plan_type: 'gold' }) }, 'wait', null, 'UNKNOWN_PLAN'],
    ['a balance that is no number', { account: account({ credit_balance: 'x' }) }, 'wait', null, 'ACCOUNT_UNREADABLE'],
    ['no credit', { account: account({ credit_balance: 0 }) }, 'stop suspended no_credit', null, 'NO_CREDIT'],
    ['an unknown rule pack', { batch: batch(null, { rules: 'mars' }) }, 'wait', null, 'RULES_UNKNOWN'],
    [
      'rules of a country that has none',
      { batch: batch(null, { rules: true }), account: account({ country: 'PE' }) },
      'wait',
      null,
      'RULES_UNKNOWN',
    ],
    ['holidays of an unknown country', { batch: batch({ holidays: 'zz' }) }, 'wait', null, 'RULES_UNKNOWN'],
    [
      'a year the calendar does not cover',
      { batch: batch({ holidays: true }), now: noon('2035-03-07T15:00:00Z') },
      'wait',
      null,
      'RULES_UNKNOWN',
    ],
    ['a closed window', { batch: batch(HOURS), now: noon('2026-11-18T22:00:00Z') }, 'wait', '2026-11-19T12:00:00.000Z', 'WINDOW_CLOSED'],
    ['a closed date', { batch: batch({ closed_dates: ['2026-11-18'] }) }, 'wait', '2026-11-19T03:00:00.000Z', 'HOLIDAY'],
    [
      'a holiday',
      { batch: batch({ ...HOURS, holidays: 'cl' }), now: noon('2026-12-08T15:00:00Z') },
      'wait',
      '2026-12-09T12:00:00.000Z',
      'HOLIDAY',
    ],
    ['a delay', { job: job({ next_try_at: '2026-11-18T16:00:00Z' }) }, 'wait', '2026-11-18T16:00:00.000Z', 'RETRY_DELAY'],
    [
      'a delay in reserved_until',
      { job: job({ reserved_until: noon('2026-11-18T16:00:00Z') }) },
      'wait',
      '2026-11-18T16:00:00.000Z',
      'RETRY_DELAY',
    ],
    ['exhausted attempts', { job: job({ attempts: 3 }) }, 'stop failed', null, 'ATTEMPTS_EXHAUSTED'],
    [
      "the batch's lower limit",
      { job: job({ attempts: 1 }), batch: batch({ max_attempts: 1 }) },
      'stop failed',
      null,
      'ATTEMPTS_EXHAUSTED',
    ],
    ['too many calls in all', { job: job({ attempts: 2, transient_calls: 3 }) }, 'stop failed', null, 'CALLS_EXHAUSTED'],
    ['no number', { job: job({ contact: { phones: [] } }) }, 'stop failed', null, 'NO_PHONE_LEFT'],
    ['numbers that are none', { job: job({ contact: { phones: ['call me', null] } }) }, 'stop failed', null, 'PHONE_INVALID'],
    ['a blocked person', { suppressions: [block({ person: job().contact.person })] }, 'stop failed', null, 'SUPPRESSED'],
    [
      'a person blocked for a while',
      {
        suppressions: [
          block({ person: job().contact.person, expiresAt: new Date('2026-11-18T17:00:00Z') }),
          block({ person: job().contact.person, expiresAt: new Date('2026-11-18T16:00:00Z') }),
        ],
      },
      'wait',
      '2026-11-18T17:00:00.000Z',
      'SUPPRESSED',
    ],
    [
      'a person blocked for a while, and for ever',
      {
        suppressions: [
          block({ person: job().contact.person, expiresAt: new Date('2026-11-18T17:00:00Z') }),
          block({ person: job().contact.person }),
        ],
      },
      'stop failed',
      null,
      'SUPPRESSED',
    ],
    [
      'a wish to cancel',
      { job: job({ status: 'in_progress', cancel_requested: { by: 'ana' } }) },
      'stop cancelled',
      null,
      'CANCEL_REQUESTED',
    ],
    [
      'a wish to suspend',
      { job: job({ status: 'in_progress', suspend_requested: true }) },
      'stop suspended operator',
      null,
      'SUSPEND_REQUESTED',
    ],
    ['a job that is done', { job: job({ status: 'done', attempts: 3 }) }, 'wait', null, 'NOT_WAITING'],
    ['a suspended job', { job: job({ status: 'suspended', suspend_reason: 'operator' }) }, 'wait', null, 'SUSPENDED'],
    [
      'a number that has just rung',
      { history: [called('2026-11-18T14:55:00Z', 'placed')] },
      'wait',
      '2026-11-18T15:05:00.000Z',
      'LIMIT_PHONE',
    ],
  ];
  test.each(cases)('%s', (_, more, kind, until, code) => {
    const decision = answer(more);
    expect(codes(decision)).toContain(code);
    expect(shown(decision)).toEqual([kind, until]);
  });

  test('no caller number', () => {
    expect(codes(answer({}, { fromNumbers: [] }))).toEqual(['CALLER_UNAVAILABLE']);
  });

  test('daily caps, until midnight of the account; the own count of the asking attempt is not held against it', () => {
    const counts = { [accountDayKey(NOON, 'America/Santiago')]: 5, [batchDayKey('batch-1', NOON, 'America/Santiago')]: 2 };
    const ledger = { usedMicros: 0, usedMs: 0, heldMicros: 0, heldMs: 0, counts };
    const capped = answer({ ledger, account: account({ daily_call_limit: 5 }), batch: batch({ max_calls_per_day: 2 }) });
    expect(capped).toMatchObject({
      kind: 'wait',
      until: new Date('2026-11-19T03:00:00Z'),
      reasons: [{ code: 'BUDGET_DAY', value: 5, limit: 5 }, { code: 'BUDGET_BATCH' }],
    });
    expect(answer({ ledger, account: account({ daily_call_limit: 5 }), ownHold: { micros: 0, ms: 0 } }).kind).toBe('dial');
    expect(codes(answer({ ledger }, { defaultMaxCallsPerDay: 2 }))).toEqual(['BUDGET_BATCH']);
    expect(answer({ account: account({ daily_call_limit: 0 }) })).toMatchObject({ kind: 'wait', until: null });
  });

  test("the installation's cap, until midnight of its own zone", () => {
    const counts = { [installationDayKey(NOON, 'America/Argentina/Buenos_Aires')]: 3 };
    const ledger = { usedMicros: 0, usedMs: 0, heldMicros: 0, heldMs: 0, counts };
    const more = { maxCallsPerDay: 3, defaultTimezone: 'America/Argentina/Buenos_Aires' };
    expect(answer({ ledger }, more)).toMatchObject({
      kind: 'wait',
      until: new Date('2026-11-19T03:00:00Z'),
      reasons: [{ code: 'BUDGET_INSTALLATION', value: 3, limit: 3, source: 'MAX_CALLS_PER_DAY' }],
    });
    expect(answer({ ledger, ownHold: { micros: 0, ms: 0 } }, more).kind).toBe('dial');
    expect(answer({ ledger }, { ...more, maxCallsPerDay: null }).kind).toBe('dial');
  });

  test('money that others hold is waited for, not given up', () => {
    const ledger = { usedMicros: 0, usedMs: 0, heldMicros: 99_900_000, heldMs: 0, counts: {} };
    expect(answer({ ledger })).toMatchObject({ kind: 'wait', until: new Date(NOON.getTime() + 5_000), reasons: [{ code: 'CREDIT_HELD' }] });
  });
});

test('P7: nothing final is concluded from rules that cannot be read', () => {
  const exhausted = job({ attempts: 3 });
  expect(answer({ job: exhausted }).kind).toBe('stop');
  expect(answer({ job: exhausted, batch: batch({ max_attempts: 'five' }) })).toMatchObject({ kind: 'wait', until: null });
  expect(answer({ job: exhausted, batch: 'missing' }).kind).toBe('wait');
  // Without the account the country is unknown, and with it what a national number means.
  expect(answer({ job: job({ contact: { phones: ['938773910'] } }, null), account: 'missing' }).kind).toBe('wait');
});

test('all reasons are told, not only the first', () => {
  const decision = answer({
    batch: batch(HOURS, { is_active: false }),
    account: account({ status: 'suspended', credit_balance: 0 }),
    job: job({ next_try_at: '2026-11-21T16:00:00Z' }),
    now: new Date('2026-11-21T15:00:00Z'),
  });
  expect(codes(decision)).toEqual(expect.arrayContaining(['PAUSED', 'ACCOUNT_INACTIVE', 'NO_CREDIT', 'RETRY_DELAY', 'WINDOW_CLOSED']));
  expect(decision).toMatchObject({ kind: 'wait', until: null });
});

describe('when to look again', () => {
  test('a delay that ends in the night waits for the morning', () => {
    const decision = answer({ batch: batch(HOURS), job: job({ next_try_at: '2026-11-20T23:00:00Z' }) });
    expect(decision).toMatchObject({ kind: 'wait', until: new Date('2026-11-23T12:00:00Z') });
    expect(codes(decision)).toEqual(['RETRY_DELAY', 'WINDOW_CLOSED']);
  });

  test('a batch that ends before its next opening has no such moment, and says so', () => {
    const decision = answer({ batch: batch(HOURS, { end_at: '2026-11-19T00:00:00Z' }), now: new Date('2026-11-18T22:00:00Z') });
    expect(decision).toMatchObject({ kind: 'wait', until: null });
    expect(codes(decision)).toEqual(['WINDOW_CLOSED', 'EXPIRED']);
  });

  test('the phone must have stopped ringing, with the margin, before the window ends', () => {
    const at = (text: string) => answer({ batch: batch(HOURS), now: new Date(text) }).kind;
    expect(at('2026-11-18T20:59:00Z')).toBe('dial');
    expect(at('2026-11-18T20:59:00.001Z')).toBe('wait');
    expect(at('2026-11-18T11:59:59.999Z')).toBe('wait');
    expect(at('2026-11-18T12:00:00Z')).toBe('dial');
  });

  test('the lease of the asking worker is no delay', () => {
    expect(answer({ job: job({ status: 'in_progress', reserved_until: new Date(NOON.getTime() + 120_000) }) }).kind).toBe('dial');
  });
});

test('zones: the contact before the batch, before the account, before the country, before the installation', () => {
  const zone = (more: Partial<Facts>, policy: Partial<Policy> = {}) => {
    const decision = answer(more, policy);
    return decision.kind === 'dial' ? decision.timezone : decision.reasons;
  };
  const easter = job({ contact: { phones: ['+56911112222'], timezone: 'Pacific/Easter' } });
  const lima = batch({ timezone: 'America/Lima' });
  const bogota = account({ timezone: 'America/Bogota' });
  expect(zone({ job: easter, batch: lima, account: bogota })).toBe('Pacific/Easter');
  expect(zone({ batch: lima, account: bogota })).toBe('America/Lima');
  expect(zone({ account: bogota })).toBe('America/Bogota');
  expect(zone({ account: account({ country: 'AR' }) })).toBe('America/Argentina/Buenos_Aires');
  expect(zone({ account: account({ country: 'US' }) }, { defaultTimezone: 'America/New_York' })).toBe('America/New_York');
});

describe('numbers', () => {
  const to = (decision: Decision) => (decision.kind === 'dial' ? [decision.phoneIndex, decision.to] : codes(decision));
  const three = (index: number, more = {}) =>
    job({ contact: { dni: '12345678K', phones: ['+56911112222', 'no number', '+56922223333'], next_phone_index: index }, ...more });
  const line = (index: number) => three(0).contact.phones[index]?.line ?? '';

  test('the one whose turn it is; what is no number is passed over, round to the beginning', () => {
    expect(to(answer({ job: three(0) }))).toEqual([0, '+56911112222']);
    expect(to(answer({ job: three(1) }))).toEqual([2, '+56922223333']);
    expect(to(answer({ job: three(2, { bad_lines: [line(2)] }) }))).toEqual([0, '+56911112222']);
  });

  test('blocked lines are passed over, in their scope and until they expire', () => {
    expect(to(answer({ job: three(0), suppressions: [block({ line: line(0) })] }))).toEqual([2, '+56922223333']);
    expect(to(answer({ job: three(0), suppressions: [block({ line: line(0), account: 'acc-1', batch: 'batch-1' })] }))).toEqual([
      2,
      '+56922223333',
    ]);
    expect(to(answer({ job: three(0), suppressions: [block({ line: line(0), account: 'other' })] }))).toEqual([0, '+56911112222']);
    expect(to(answer({ job: three(0), suppressions: [block({ line: line(0), batch: 'other' })] }))).toEqual([0, '+56911112222']);
    expect(to(answer({ job: three(0), suppressions: [block({ line: line(0), expiresAt: NOON })] }))).toEqual([0, '+56911112222']);
    expect(to(answer({ job: three(0), suppressions: [block({ line: line(0) }), block({ line: line(2) })] }))).toEqual([
      'NO_PHONE_LEFT',
      'SUPPRESSED',
      'PHONE_INVALID',
      'SUPPRESSED',
    ]);
    // Blocks that end are waited for, until the first number is free.
    const [early, late] = [new Date(NOON.getTime() + 3_600_000), new Date(NOON.getTime() + 7_200_000)];
    const blocks = [block({ line: line(0), expiresAt: late }), block({ line: line(2), expiresAt: early })];
    expect(answer({ job: three(0), suppressions: blocks })).toMatchObject({ kind: 'wait', until: early });
  });
});

test('a person is always called from the same number; the batch may bring its own', () => {
  const callers = Array.from({ length: 40 }, (_, i) => job({ contact: { dni: `1234567${i}K`, phones: ['+56911112222'] } })).map((who) => {
    const first = answer({ job: who });
    const again = answer({ job: who, now: new Date('2026-12-02T15:00:00Z') });
    if (first.kind !== 'dial' || again.kind !== 'dial') throw new Error('not dialled');
    expect(again.from).toBe(first.from);
    return first.from;
  });
  expect(new Set(callers).size).toBe(2);
  expect(answer({ batch: batch(null, { from_numbers: ['+56809000111'] }) })).toMatchObject({ from: '+56809000111' });
  expect(answer({ account: account({ from_number: '+56809000222' }) })).toMatchObject({ from: '+56809000222' });
});

test('a draining batch goes on with what it began', () => {
  expect(answer({ batch: batch(null, { state: 'draining' }), job: job({ attempts: 1 }) }).kind).toBe('dial');
});

test('the state of a batch as an operator sees it', () => {
  expect(batchState(batch(null, { start_at: '2026-11-19T00:00:00Z' }), NOON)).toBe('scheduled');
  expect(batchState(batch(null, { end_at: '2026-11-18T00:00:00Z' }), NOON)).toBe('expired');
  expect(batchState(batch(null, { end_at: '2026-11-18T00:00:00Z', is_active: false }), NOON)).toBe('paused');
  expect(batchState(batch(), NOON)).toBe('running');
});

describe('the gates of a batch', () => {
  const shut = (of: Batch, zones: readonly string[] = [], now = NOON) =>
    batchGates(of, account(), null, now, POLICY, PACKS, zones).map(({ code }) => code);

  test('say why no job of it can be dialled', () => {
    expect(shut(batch())).toEqual([]);
    expect(shut(batch(null, { is_active: false }))).toEqual(['PAUSED']);
    expect(shut(impliedBatch('acc-1'))).toEqual([]);
    expect(batchGates(batch(), account({ credit_balance: 0 }), null, NOON, POLICY, PACKS).map(({ code }) => code)).toEqual(['NO_CREDIT']);
  });

  test('hours shut it only when they are shut for all of its contacts', () => {
    const evening = new Date('2026-11-18T22:00:00Z');
    expect(shut(batch(HOURS), [], evening)).toEqual(['WINDOW_CLOSED']);
    expect(shut(batch(HOURS), ['Pacific/Easter'], evening)).toEqual([]);
  });
});

test('explain shows every gate, and agrees with the decision', () => {
  const report = explainGates(facts({ batch: batch(HOURS, { is_active: false }) }), POLICY, PACKS);
  expect(report.filter(({ pass }) => !pass).map(({ gate }) => gate)).toEqual(['batch']);
  expect(report.length).toBeGreaterThan(14);
});

// Properties

const time = fc.integer({ min: 0, max: 23 }).map((hour) => `${String(hour).padStart(2, '0')}:00`);
const settings = fc.record(
  {
    allowed_hours: fc.record({ start: time, end: time }),
    days_of_week: fc.uniqueArray(fc.integer({ min: 0, max: 7 })),
    closed_dates: fc.constantFrom(['2026-11-18'], ['2026-04-05', '2026-04-06']),
    holidays: fc.constantFrom('cl', 'ar', true),
    timezone: fc.constantFrom('America/Santiago', 'Pacific/Easter', 'America/Argentina/Buenos_Aires'),
    max_attempts: fc.integer({ min: 1, max: 5 }),
    max_calls_per_day: fc.integer({ min: 0, max: 5 }),
  },
  { requiredKeys: [] },
);
const moments = fc
  .constantFrom('2026-04-05T03:30:00Z', '2026-09-06T04:00:00Z', '2026-11-18T15:00:00Z', '2026-12-24T23:59:00Z')
  .chain((text) => fc.integer({ min: -3_000, max: 3_000 }).map((minutes) => new Date(Date.parse(text) + minutes * 60_000)));
const situation = fc
  .record({
    settings,
    rules: fc.constantFrom('cl', 'ar', 'none', 'account'),
    more: fc.record(
      {
        start_at: moments,
        end_at: moments,
        is_active: fc.constantFrom(true, true, true, false),
        state: fc.constantFrom('running', 'draining'),
      },
      { requiredKeys: ['is_active'] },
    ),
    job: fc.record({ attempts: fc.integer({ min: 0, max: 3 }), next_try_at: moments }, { requiredKeys: [] }),
    now: moments,
    past: fc.array(
      fc.record({
        hours: fc.integer({ min: 0, max: 200 }),
        reached: fc.constantFrom('placed', 'rang', 'answered', 'conversation'),
        phone: fc.constantFrom(0, 1),
      }),
      { maxLength: 5 },
    ),
    balance: fc.constantFrom(0, 0.2, 100),
    counted: fc.integer({ min: 0, max: 5 }),
  })
  .map((drawn): Facts =>
    facts({
      batch: batch(drawn.settings, { ...drawn.more, rules: drawn.rules }),
      account: account({ credit_balance: drawn.balance }),
      job: job(drawn.job),
      now: drawn.now,
      history: drawn.past.map(({ hours, reached, phone }) => ({
        ...called(new Date(drawn.now.getTime() - hours * 3_600_000), 'placed', job(), phone),
        reached,
      })),
      ledger: {
        usedMicros: 0,
        usedMs: 0,
        heldMicros: 0,
        heldMs: 0,
        counts: { [batchDayKey('batch-1', drawn.now, 'America/Santiago')]: drawn.counted },
      },
    }),
  );

test('P4: what waits until a moment is dialable then, and not before', () => {
  fc.assert(
    fc.property(situation, fc.integer({ min: 1, max: 100_000_000 }), (given, earlier) => {
      const decision = decide(given, POLICY, PACKS);
      if (decision.kind !== 'wait') return true;
      const { until, reasons } = decision;
      if (until === null) return reasons.some((reason) => reason.until === null);
      const then = decide({ ...given, now: until }, POLICY, PACKS);
      // Only money may stand in the way then: what will have been topped up nobody knows.
      const dialable = then.kind === 'dial' || codes(then).every((code) => code === 'NO_CREDIT');
      const before = new Date(Math.max(given.now.getTime(), until.getTime() - earlier));
      return until > given.now && reasons.length > 0 && dialable && decide({ ...given, now: before }, POLICY, PACKS).kind !== 'dial';
    }),
    { numRuns: 400 },
  );
});

test('P4: every call that is let through lies inside all hours until its phone has stopped ringing', () => {
  fc.assert(
    fc.property(situation, (given) => {
      const decision = decide(given, POLICY, PACKS);
      if (decision.kind !== 'dial' || given.batch === 'missing') return;
      const { settings: own, rules } = given.batch;
      const pack = PACKS.rules[rules === 'account' ? 'cl' : (rules ?? 'none')];
      const closed = new Set([
        ...own.closedDates,
        ...(own.holidays === 'ar' ? (PACKS.holidays['ar'] ?? []) : []),
        ...(own.holidays === 'cl' || own.holidays === 'account' || pack?.holidays === true ? (PACKS.holidays['cl'] ?? []) : []),
      ]);
      for (let ms = 0; ms < decision.ringMs + POLICY.closingMarginMs; ms += 10_000) {
        const at = new Date(given.now.getTime() + ms);
        expect(isOpen(own.week, decision.timezone, at, closed)).toBe(true);
        expect(isOpen(pack?.week ?? null, decision.timezone, at, closed)).toBe(true);
      }
    }),
    { numRuns: 400 },
  );
});

test('removing a rule never forbids', () => {
  const looser: readonly ((given: Omit<Facts, 'batch'> & { readonly batch: Batch }) => Partial<Facts>)[] = [
    (given) => ({ batch: { ...given.batch, settings: { ...given.batch.settings, week: null } } }),
    (given) => ({ batch: { ...given.batch, settings: { ...given.batch.settings, closedDates: [], holidays: null } } }),
    (given) => ({ batch: { ...given.batch, settings: { ...given.batch.settings, maxCallsPerDay: null } } }),
    (given) => ({ batch: { ...given.batch, startAt: null, endAt: null } }),
    (given) => ({ batch: { ...given.batch, rules: 'none' } }),
    () => ({ history: [] }),
    () => ({ ledger: null }),
    (given) => ({ job: { ...given.job, nextTryAt: null, attempts: 0 } }),
    () => ({ suppressions: [] }),
  ];
  fc.assert(
    fc.property(situation, fc.constantFrom(...looser), (given, loosen) => {
      if (given.batch === 'missing' || given.batch.state === 'draining') return true;
      const tight = decide(given, POLICY, PACKS);
      const loose = decide({ ...given, ...loosen({ ...given, batch: given.batch }) }, POLICY, PACKS);
      if (tight.kind === 'dial') return loose.kind === 'dial';
      if (tight.kind !== 'wait' || tight.until === null || loose.kind !== 'wait') return true;
      return loose.until !== null && loose.until <= tight.until;
    }),
    { numRuns: 600 },
  );
});

test('P7: decides on hostile documents without throwing, and always with a reason', () => {
  const any = fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true });
  const some = (...keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), any);
  fc.assert(
    fc.property(
      some('contact', 'status', 'attempts', 'next_try_at', 'reserved_until', 'bad_lines', 'max_attempts'),
      some('call_settings', 'state', 'is_active', 'start_at', 'end_at', 'rules', 'from_numbers', 'priority'),
      some('allowed_hours', 'days_of_week', 'timezone', 'holidays', 'closed_dates', 'max_attempts', 'max_calls_per_day'),
      some('plan_type', 'status', 'credit_balance', 'country', 'timezone', 'expires_at', 'daily_call_limit'),
      fc.date({ noInvalidDate: true, min: new Date('1971-01-01'), max: new Date('2100-01-01') }),
      (jobMore, batchMore, settingsMore, accountMore, now) => {
        const reading = readJob(jobDoc(jobMore), 'CL');
        if (reading.kind !== 'job') return true;
        const given = facts({ job: reading.job, batch: batch(settingsMore, batchMore), account: account(accountMore), now });
        const decision = decide(given, POLICY, PACKS);
        explainGates(given, POLICY, PACKS);
        return decision.kind === 'dial' || decision.reasons.length > 0;
      },
    ),
    { numRuns: 500 },
  );
});

test('a wait for a far future is given as it is, without working out the rules of then', () => {
  const far = new Date(8.64e15);
  expect(answer({ job: job({ next_try_at: far }), batch: batch(HOURS) })).toMatchObject({ kind: 'wait', until: far });
});

test.each([[{ rules: true }], [{ rules: 'country' }], [{ rules: 'CL' }]])("%j is the rules of the account's country", (more) => {
  const sunday = new Date('2026-11-22T15:00:00Z');
  expect(answer({ batch: batch(null, more), now: sunday })).toMatchObject({ reasons: [{ code: 'WINDOW_CLOSED' }] });
  expect(answer({ now: sunday }, { defaultRules: 'country' })).toMatchObject({ reasons: [{ code: 'WINDOW_CLOSED' }] });
});

test('a limit of a rule pack for accounts becomes the cap of their counter', () => {
  const base: RulePack = {
    name: 'house',
    title: 'House',
    week: readWeek(null, null, '', '').week,
    weekReason: '',
    holidays: false,
    holidaysReason: '',
    limits: [],
  };
  const house: RulePack = { ...base, limits: [{ scope: 'account', basis: 'placed', window: { kind: 'day' }, max: 7, reason: 'house' }] };
  expect(answer({}, { defaultRules: 'house' }, { rules: { house }, holidays: {} })).toMatchObject({ counts: [{ max: 7 }, { max: null }] });
});
