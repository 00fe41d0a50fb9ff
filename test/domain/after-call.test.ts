import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { AfterCall } from '../../src/domain/after-call.js';
import { afterCall } from '../../src/domain/after-call.js';
import { attemptLimit } from '../../src/domain/attempt-limit.js';
import type { NextStep, OutcomeClass } from '../../src/domain/call.js';
import type { Job } from '../../src/domain/job.js';
import { OUTCOME_CLASSES } from '../../src/domain/outcomes.js';
import { batch, ENDED, job, MINUTE, outcome, phones, policy, table } from './fixtures-calls.js';

function after(name: OutcomeClass, change: Partial<AfterCall> = {}): NextStep {
  const given = change.job ?? job();
  const phoneIndex = given.contact.phoneIndex;
  return afterCall({
    job: given,
    batch: batch(),
    outcome: outcome(name),
    dialled: { phoneIndex, line: given.contact.phones[phoneIndex]?.line ?? 'gone' },
    policy,
    table,
    requested: { cancel: false, suspend: false },
    callbackAt: null,
    random: () => 0,
    ...change,
  });
}

const inMinutes = (minutes: number): Date => new Date(ENDED.getTime() + minutes * MINUTE);
const lastNumber = job({}, ['a', 'b'], 1);

describe('answered', () => {
  test('the job is done, whatever the analysis thought of it', () => {
    expect(after('answered')).toMatchObject({ status: 'done', countsAttempt: true, lastError: null, dueAt: null });
  });
  test('JOB_SUCCESS_STATUS=completed writes that instead', () => {
    expect(after('answered', { policy: { ...policy, successStatus: 'completed' } }).status).toBe('completed');
  });
  test('an agreed callback makes it wait for that time, on the number that answered', () => {
    expect(after('answered', { job: lastNumber, callbackAt: inMinutes(600) })).toMatchObject({
      status: 'pending',
      dueAt: inMinutes(600),
      phoneIndex: 1,
    });
  });
  test('P4: a callback never goes over the attempt limit', () => {
    expect(after('answered', { job: job({ attempts: 2 }), callbackAt: inMinutes(600) })).toMatchObject({ status: 'done', dueAt: null });
  });
});

describe('another number is left', () => {
  test.each(['no_answer', 'busy', 'voicemail', 'dial_failed', 'bad_number'] as const)(
    '%s goes on to it at once, for an attempt',
    (name) => {
      expect(after(name)).toMatchObject({ status: 'pending', phoneIndex: 1, dueAt: null, countsAttempt: true });
    },
  );
  test('P4: not once the attempts are reached', () => {
    expect(after('no_answer', { job: job({ attempts: 2 }) })).toMatchObject({
      status: 'failed',
      lastError: 'no_answer (because_no_answer)',
    });
  });
  test('numbers known as bad, texts that are no number and the same number again are passed over', () => {
    const many = job({ badLines: ['b'] }, ['a', 'b', 'x!', 'a', 'c']);
    expect(after('no_answer', { job: many }).phoneIndex).toBe(4);
  });
  test('at once is a moment with a date where the contact has a clock of its own: its batch may be closed by then', () => {
    const abroad = job();
    const contact = { ...abroad.contact, timezone: 'America/Punta_Arenas' };
    expect(after('no_answer', { job: { ...abroad, contact } })).toMatchObject({ status: 'pending', phoneIndex: 1, dueAt: ENDED });
  });
  test('a number that rang earlier in this round is not rung again at once, wherever it is listed again', () => {
    const twice = job({ maxAttempts: 9 }, ['a', 'b', 'a'], 1);
    expect(after('no_answer', { job: twice })).toMatchObject({ phoneIndex: 0, dueAt: inMinutes(60) });
  });
  test('P4: one that may not be dialled is no next number: the delay is kept', () => {
    const three = job({}, ['a', 'b', 'c']);
    expect(after('no_answer', { job: three, blocked: ['b'] })).toMatchObject({ phoneIndex: 2, dueAt: null });
    expect(after('no_answer', { job: three, blocked: ['b', 'c'] })).toMatchObject({
      status: 'pending',
      phoneIndex: 0,
      dueAt: inMinutes(60),
    });
    expect(after('bad_number', { job: three, blocked: ['b', 'c'] })).toMatchObject({
      status: 'pending',
      phoneIndex: 1,
      dueAt: inMinutes(30),
    });
  });
  test('the line that rang decides, where the document was replaced in mid-call', () => {
    const replaced = job({}, ['new', 'a', 'c'], 0);
    expect(after('no_answer', { job: replaced, dialled: { phoneIndex: 0, line: 'a' } }).phoneIndex).toBe(2);
    expect(after('no_answer', { job: replaced, dialled: { phoneIndex: 0, line: 'gone' } }).phoneIndex).toBe(0);
    expect(after('lost', { job: replaced, dialled: { phoneIndex: 9, line: 'gone' } }).phoneIndex).toBe(0);
  });
});

describe('numbers exhausted', () => {
  test.each([
    ['no_answer', 60],
    ['voicemail', 60],
    ['busy', 30],
    ['dial_failed', 30],
  ] as const)('%s starts again from the first, %d minutes after the end of the call', (name, minutes) => {
    expect(after(name, { job: lastNumber })).toMatchObject({ status: 'pending', phoneIndex: 0, dueAt: inMinutes(minutes), badLine: null });
  });
  test.each(['no_answer', 'busy', 'lost'] as const)("the batch's retry delay replaces both (%s)", (name) => {
    expect(after(name, { job: lastNumber, batch: batch({ retryDelayMs: 24 * 60 * MINUTE }) }).dueAt).toEqual(inMinutes(24 * 60));
  });
  test('the first is the first that still can be dialled', () => {
    expect(after('no_answer', { job: job({ badLines: ['a'] }, ['a', 'b', 'c'], 2) }).phoneIndex).toBe(1);
  });
  test.each([
    [0, 5],
    [1, 20],
    [4, 20],
  ])('delays may be a list by attempt: %d earlier attempts wait %d minutes', (attempts, minutes) => {
    const listed = { ...table, classes: { ...table.classes, busy: { ...table.classes.busy, delay: [5, 20] } } };
    const step = after('busy', { table: listed, job: job({ attempts, maxAttempts: 9 }, ['a']) });
    expect(step.dueAt).toEqual(inMinutes(minutes));
  });
});

describe('bad numbers', () => {
  test('the number is given up, the next one is tried', () => {
    expect(after('bad_number')).toMatchObject({ badLine: 'a', phoneIndex: 1, dueAt: null });
  });
  test('earlier numbers are tried again after the delay', () => {
    expect(after('bad_number', { job: lastNumber })).toMatchObject({
      status: 'pending',
      badLine: 'b',
      phoneIndex: 0,
      dueAt: inMinutes(30),
    });
  });
  test('none left: failed', () => {
    expect(after('bad_number', { job: job({ badLines: ['b'] }) })).toMatchObject({ status: 'failed', badLine: 'a' });
    expect(after('bad_number', { job: job({}, ['a', 'a']) }).status).toBe('failed');
  });
  test('dial_failed kills no number', () => {
    expect(after('dial_failed', { job: job({}, ['a']) })).toMatchObject({ status: 'pending', badLine: null });
  });
});

describe('faults of the provider and of the account', () => {
  test.each(['transient', 'account'] as const)('%s costs no attempt and waits one to two minutes, on the same number', (name) => {
    const soon = after(name, { job: lastNumber });
    expect(soon).toMatchObject({ status: 'pending', phoneIndex: 1, dueAt: inMinutes(1), countsAttempt: false, countsTransient: true });
    expect(after(name, { random: () => 0.999999 }).dueAt).toEqual(new Date(ENDED.getTime() + 2 * MINUTE));
  });
  test.each(['transient', 'account', 'caller_id'] as const)(
    '%s past TRANSIENT_RETRIES costs an attempt and waits the normal delay',
    (name) => {
      const step = after(name, { job: job({ transientCalls: 2 }) });
      expect(step).toMatchObject({ status: 'pending', dueAt: inMinutes(30), countsAttempt: true, countsTransient: false });
      expect(after(name, { job: job({ transientCalls: 2, attempts: 2 }) }).status).toBe('failed');
    },
  );
  test('past TRANSIENT_RETRIES the next number is tried, after the delay, and then the first again', () => {
    const capped = (index: number) => after('transient', { job: job({ transientCalls: 2 }, ['a', 'b'], index) });
    expect(capped(0)).toMatchObject({ status: 'pending', phoneIndex: 1, dueAt: inMinutes(30) });
    expect(capped(1)).toMatchObject({ status: 'pending', phoneIndex: 0, dueAt: inMinutes(30) });
  });
  test("a blocked caller id is not the contact's fault", () => {
    expect(after('caller_id')).toMatchObject({ status: 'pending', phoneIndex: 0, countsAttempt: false, dueAt: inMinutes(30) });
  });
});

describe('calls after which nobody redials by himself', () => {
  test('user_requested_dnc: failed, and nobody of this contact is called again', () => {
    const said = outcome('no_contact', { reason: 'user_requested_dnc' });
    expect(after('no_contact', { outcome: said })).toMatchObject({ status: 'failed', countsAttempt: true });
  });
  test.each([
    ['operator', 'operator'],
    ['unknown', 'review'],
    ['unreadable', 'review'],
  ] as const)('%s: suspended for %s', (name, suspendReason) => {
    expect(after(name)).toMatchObject({ status: 'suspended', suspendReason, countsAttempt: true, dueAt: null });
  });
  test('P1: a lost call counts as an attempt and the contact waits the normal delay', () => {
    expect(after('lost')).toMatchObject({ status: 'pending', phoneIndex: 0, dueAt: inMinutes(30), countsAttempt: true });
    expect(after('lost', { job: job({ attempts: 2 }) }).status).toBe('failed');
  });
});

describe('VOICEMAIL_POLICY', () => {
  test.each([
    ['retry', 'pending'],
    ['done', 'done'],
    ['fail', 'failed'],
  ] as const)('%s: %s', (voicemailPolicy, status) => {
    expect(after('voicemail', { policy: { ...policy, voicemailPolicy } })).toMatchObject({ status, countsAttempt: true });
  });
  test('a mailbox agrees to no callback', () => {
    expect(after('voicemail', { policy: { ...policy, voicemailPolicy: 'done' }, callbackAt: inMinutes(60) }).status).toBe('done');
  });
});

describe('what was asked for during the call', () => {
  const cancel = { requested: { cancel: true, suspend: false } };
  const suspend = { requested: { cancel: false, suspend: true } };
  test.each([
    ['no_answer', cancel, 'cancelled'],
    ['transient', cancel, 'cancelled'],
    ['operator', cancel, 'cancelled'],
    ['answered', cancel, 'done'],
    ['no_contact', cancel, 'failed'],
    ['no_answer', suspend, 'suspended'],
    ['answered', suspend, 'done'],
    ['unknown', suspend, 'suspended'],
  ] as const)('%s with %j: %s', (name, requested, status) => {
    expect(after(name, requested)).toMatchObject({ status, dueAt: null });
  });
  test('both asked: cancelled', () => {
    expect(after('busy', { requested: { cancel: true, suspend: true } })).toMatchObject({ status: 'cancelled', suspendReason: null });
  });
  test('the call is counted and the bad number kept all the same', () => {
    expect(after('bad_number', cancel)).toMatchObject({ status: 'cancelled', countsAttempt: true, badLine: 'a' });
  });
});

describe('the attempt limit', () => {
  test.each([
    [5, 2, 1, 5],
    [null, 2, 1, 2],
    [null, null, 1, 1],
    [null, null, null, 3],
  ])('batch %s, MAX_ATTEMPTS %s, job %s: %d', (ofBatch, configured, ofJob, expected) => {
    expect(attemptLimit(job({ maxAttempts: ofJob }), batch({ maxAttempts: ofBatch }), { ...policy, maxAttempts: configured })).toBe(
      expected,
    );
  });
  test('a job without a batch has the rest of them', () => {
    expect(attemptLimit(job({ maxAttempts: 7 }), null, policy)).toBe(7);
  });
});

const anyLines = fc.array(fc.constantFrom('a', 'b', 'c', 'x!'), { minLength: 1, maxLength: 4 });
const HORIZON_MS = 30 * 86_400_000;

function applied(current: Job, step: NextStep): Job {
  return {
    ...current,
    status: step.status,
    attempts: current.attempts + (step.countsAttempt ? 1 : 0),
    transientCalls: current.transientCalls + (step.countsTransient ? 1 : 0),
    badLines: step.badLine === null ? current.badLines : [...current.badLines, step.badLine],
    contact: { ...current.contact, phoneIndex: step.phoneIndex },
  };
}

property.prop([
  fc.array(fc.record({ name: fc.constantFrom(...OUTCOME_CLASSES), callback: fc.boolean(), replace: fc.option(anyLines, { freq: 12 }) }), {
    minLength: 40,
    maxLength: 60,
  }),
  anyLines,
  fc.record({
    limit: fc.integer({ min: 1, max: 6 }),
    transientRetries: fc.integer({ min: 0, max: 5 }),
    voicemailPolicy: fc.constantFrom('retry', 'done', 'fail'),
    random: fc.double({ min: 0, max: 0.999999, noNaN: true }),
    batchDelayMs: fc.option(fc.integer({ min: 1, max: HORIZON_MS })),
  }),
])(
  'P2, P4: no sequence of outcomes overruns the limits, leaves an index out of range or a pending job with no future',
  (calls, lines, rules) => {
    let current = job({ maxAttempts: rules.limit }, lines);
    let placed = 0;
    const bounded = { ...policy, transientRetries: rules.transientRetries, voicemailPolicy: rules.voicemailPolicy };
    for (const call of calls) {
      const { phoneIndex } = current.contact;
      const line = current.contact.phones[phoneIndex]?.line ?? 'none';
      if (call.replace !== null) current = { ...current, contact: { ...current.contact, phones: phones(...call.replace), phoneIndex: 0 } };
      placed += 1;
      const step = after(call.name, {
        job: current,
        batch: batch({ retryDelayMs: rules.batchDelayMs }),
        policy: bounded,
        dialled: { phoneIndex, line },
        callbackAt: call.callback ? inMinutes(120) : null,
        random: () => rules.random,
      });
      current = applied(current, step);
      expect(step.countsAttempt).not.toBe(step.countsTransient);
      expect(step.why).not.toBe('');
      expect(step.phoneIndex).toBeGreaterThanOrEqual(0);
      expect(step.phoneIndex).toBeLessThan(current.contact.phones.length);
      expect((step.status === 'suspended') === (step.suspendReason !== null)).toBe(true);
      if (step.status === 'pending') {
        expect(current.attempts).toBeLessThan(rules.limit);
        const rings = current.contact.phones[step.phoneIndex]?.line ?? null;
        // An agreed callback goes to the number that answered, which a replaced document may not have any more.
        if (!call.callback) expect(rings !== null && !current.badLines.includes(rings)).toBe(true);
        const waitMs = step.dueAt === null ? 0 : step.dueAt.getTime() - ENDED.getTime();
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(HORIZON_MS);
      } else {
        expect(step.dueAt).toBeNull();
      }
      // A suspended job is resumed by its operator while the gate before the call still lets it.
      if (step.status !== 'pending' && (step.status !== 'suspended' || current.attempts >= rules.limit)) break;
    }
    expect(current.attempts).toBeLessThanOrEqual(rules.limit);
    expect(placed).toBeLessThanOrEqual(rules.limit + rules.transientRetries);
  },
);
