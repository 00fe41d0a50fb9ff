import { describe, expect, it } from 'vitest';
import type { Decision } from '../../src/domain/decision.js';
import { readJob } from '../../src/domain/read-job.js';
import type { Job } from '../../src/domain/job.js';
import { tellStory, type Story, type ToldAttempt } from '../../src/domain/story.js';

const AT = new Date('2026-11-20T12:00:00.000Z');
const DUE = new Date('2026-11-20T13:00:00.000Z');

const job = (more: object = {}): Job => {
  const contact = { name: 'Ana', dni: '12345678K', phones: ['+56911112222', '+56911113333'], next_phone_index: 1 };
  const reading = readJob({
    _id: 'x',
    job_id: 'j-1',
    status: 'pending',
    attempts: 1,
    account_id: 'acc-1',
    batch_id: 'b-1',
    contact,
    ...more,
  });
  if (reading.kind === 'unreadable') throw new Error(reading.why);
  return reading.job;
};

const attempt = (more: Partial<ToldAttempt> = {}): ToldAttempt => ({
  _id: 't1',
  at: AT,
  state: 'settled',
  open: false,
  runner: 'host-1-abcd',
  to_number: '+56911112222',
  phone_index: 0,
  call_id: 'call_1',
  outcome: { class: 'no_answer', reason: 'dial_no_answer', success: false, reached: 'rang', endedAt: AT, durationMs: 31_400 },
  cost: { micros: 12_000, final: true },
  next: {
    status: 'pending', phoneIndex: 1, dueAt: DUE, countsAttempt: true, countsTransient: false, badLine: null, suspendReason: null, lastError: 'x',
    why: 'no_answer (dial_no_answer): the next number is tried',
  },
  ...more,
}); // prettier-ignore

const reason = { code: 'WINDOW_CLOSED', text: 'The window is closed.', source: 'batch.call_settings', until: DUE };
const WAIT: Decision = { kind: 'wait', until: DUE, reasons: [reason] };
const story = (of: Job, attempts: readonly ToldAttempt[] = [], decision: Decision = WAIT): Story =>
  tellStory({ job: of, attempts, limit: 3, decision, mask: (text) => text.replaceAll('911112222', '*') });

describe('the story of a job', () => {
  it('names the runner that follows a call, whose id may look like a number', () => {
    const { outcome: _, next: __, cost: ___, ...live } = attempt({ state: 'live', open: true, runner: 'vm-32171-03623a4a' });
    const mask = (text: string): string => text.replaceAll(/[\d-]{8,}/g, '*');
    const told = tellStory({ job: job({ status: 'in_progress' }), attempts: [live], limit: 3, decision: WAIT, mask });
    expect(told.next).toContain('vm-32171-03623a4a');
  });

  it('tells each call: masked number, what the provider said, what was decided and why, the cost', () => {
    const { outcome: _, next: __, cost: ___, call_id: ____, ...unplaced } = attempt({ _id: 't2', state: 'void' });
    const told = story(job(), [attempt(), { ...unplaced, void_reason: 'refused +56911112222' }]);
    expect(told.calls[0]).toEqual({
      at: AT,
      number: '+56*****222',
      phone: 1,
      state: 'settled',
      callId: 'call_1',
      said: 'dial_no_answer (no_answer)',
      reached: 'rang',
      seconds: 31,
      costDollars: 0.012,
      costFinal: true,
      decided: 'pending at 2026-11-20T13:00:00.000Z: no_answer (dial_no_answer): the next number is tried',
      stoppedFor: null,
      runner: 'host-1-abcd',
      attempt: 't1',
    });
    expect(told.calls[1]).toMatchObject({ said: 'nothing was placed: refused +56*', decided: 'no attempt was counted' });
    expect(told).toMatchObject({ costDollars: 0.012, numbers: ['+56*****222', '+56*****333'], nextNumber: 2, attempts: 1, limit: 3 });
  });

  it('P8: carries no full number', () => {
    const told = story(job({ last_error: 'invalid number +56911112222' }), [attempt()]);
    expect(JSON.stringify(told)).not.toMatch(/911112222|911113333/);
  });

  it.each([
    { title: 'waiting', doc: {}, decision: WAIT, next: /^It waits until 2026-11-20T13:00:00.000Z: The window is closed\.$/ },
    { title: 'paused', doc: {}, decision: { ...WAIT, until: null } as Decision, next: /^It waits until somebody acts/ },
    {
      title: 'to be closed',
      doc: {},
      decision: { kind: 'stop', status: 'failed', suspendReason: null, reasons: [reason] } as Decision,
      next: /makes it failed/,
    },
    { title: 'suspended by a person', doc: { status: 'suspended', suspend_reason: 'operator' }, decision: WAIT, next: /job resume j-1$/ },
    { title: 'without credit', doc: { status: 'suspended', suspend_reason: 'no_credit' }, decision: WAIT, next: /goes on by itself/ },
    { title: 'failed', doc: { status: 'failed' }, decision: WAIT, next: /job retry j-1$/ },
    { title: "failed by SpeechAI's worker", doc: { status: 'failed', next_try_at: DUE }, decision: WAIT, next: /db adopt/ },
    { title: 'done', doc: { status: 'done' }, decision: WAIT, next: /finished/ },
    { title: "another program's", doc: { status: 'archived' }, decision: WAIT, next: /another program/ },
    { title: 'claimed', doc: { status: 'in_progress', reserved_until: DUE }, decision: WAIT, next: /no call is open.*2026-11-20T13/ },
    {
      title: 'claimed and to be cancelled',
      doc: { status: 'in_progress', cancel_requested: true },
      decision: WAIT,
      next: /Then it is cancelled/,
    },
  ])('says what is next: $title', ({ doc, decision, next }) => {
    expect(story(job(doc), [attempt()], decision).next).toMatch(next);
  });

  it.each([
    { state: 'placing', said: /being placed/ },
    { state: 'unknown', said: /may have been placed/ },
    { state: 'live', said: /^live$/ },
    { state: 'ended', said: /analysis/ },
  ] as const)('tells of an open call: $state', ({ state, said }) => {
    const { outcome: _, next: __, cost: ___, ...open } = attempt({ state, open: true });
    const told = story(job({ status: 'in_progress' }), [open]);
    expect(told.calls[0]?.said).toMatch(said);
    expect(told.calls[0]?.decided).toBeNull();
    expect(told.next).toMatch(/followed to its end by host-1-abcd/);
  });
});
