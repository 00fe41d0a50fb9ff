import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { decide, explainGates } from '../../src/domain/decide.js';
import type { Facts } from '../../src/domain/decision.js';
import { explain } from '../../src/domain/explain.js';
import { readAccount } from '../../src/domain/read-account.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { NO_PACKS } from '../../src/domain/rules.js';
import { createTally } from '../../src/domain/tally.js';
import { accountDoc, batchDoc, called, facts, job, NOON, POLICY } from './samples.js';

const ask = (more: Partial<Facts> = {}) => explain(facts(more), POLICY, NO_PACKS);
const commands = (more: Partial<Facts>): readonly (string | null)[] => ask(more).changes.map(({ command }) => command);

describe('explain', () => {
  it('shows every gate with its figures where nothing is in the way', () => {
    const { decision, gates, dialableAt, changes } = ask({ history: [called('2026-11-18T10:00:00Z', 'rang')] });
    expect(decision.kind).toBe('dial');
    expect(dialableAt).toEqual(NOON);
    expect(changes).toEqual([]);
    expect(new Set(gates.map(({ gate }) => gate)).size).toBe(gates.length);
    expect(gates.every(({ pass, source }) => pass && source !== '')).toBe(true);
    expect(gates.find(({ gate }) => gate === 'attempts')).toMatchObject({ value: 0, limit: 3, source: 'job.max_attempts' });
    expect(gates.find(({ gate }) => gate === 'credit')).toMatchObject({ value: 100, limit: 0.17 });
    expect(gates.find(({ gate }) => gate === 'redial')).toMatchObject({ value: 300, limit: 10 });
    expect(gates.find(({ gate }) => gate === 'numbers')?.text).toContain('+56*****222');
  });

  const paused = readBatch(batchDoc(null, { is_active: false }));
  const late = readBatch(batchDoc({ allowed_hours: { start: '18:00', end: '20:00' } }));
  it.each<[string, Partial<Facts>, string]>([
    ['a paused batch', { batch: paused }, 'speechai batch resume batch-1'],
    ['no credit', { account: readAccount(accountDoc({ credit_balance: 0 })) }, 'speechai account topup acc-1 AMOUNT'],
    ['a suspended account', { account: readAccount(accountDoc({ status: 'suspended' })) }, 'speechai account resume acc-1'],
    ['hours', { batch: late }, 'speechai batch set batch-1 allowed_hours= days_of_week= closed_dates= holidays='],
    ['used attempts', { job: job({ attempts: 3 }) }, 'speechai batch set batch-1 max_attempts=4'],
    ['a delay', { job: job({ next_try_at: new Date('2026-11-18T16:00:00Z') }) }, 'speechai job retry job_1'],
    ['a suspended job', { job: job({ status: 'suspended', suspend_reason: 'operator' }) }, 'speechai job resume job_1'],
  ])('names the single change that opens %s', (_, more, command) => {
    expect(commands(more)).toEqual([command]);
  });

  it('says so where no single change is enough', () => {
    expect(ask({ batch: paused, account: readAccount(accountDoc({ status: 'suspended' })) }).changes).toEqual([]);
  });

  it('tells when the gates open by themselves', () => {
    expect(ask({ batch: late }).dialableAt?.toISOString()).toBe('2026-11-18T21:00:00.000Z');
    expect(ask({ batch: paused }).dialableAt).toBeNull();
  });

  const variants = fc.record({
    is_active: fc.boolean(),
    status: fc.constantFrom('pending', 'scheduled', 'suspended', 'done', 'in_progress'),
    attempts: fc.integer({ min: 0, max: 4 }),
    credit: fc.constantFrom(0, 0.1, 100),
    account: fc.constantFrom('active', 'suspended', 'expired'),
    hours: fc.constantFrom(null, { start: '09:00', end: '18:00' }, { start: '20:00', end: '21:00' }, 'odd'),
    missing: fc.boolean(),
  });
  test.prop([variants])('agrees with decide: a gate is shut exactly where the call is refused', (given) => {
    const one = facts({
      job: job({ status: given.status, attempts: given.attempts }),
      batch: given.missing ? 'missing' : readBatch(batchDoc({ allowed_hours: given.hours }, { is_active: given.is_active })),
      account: readAccount(accountDoc({ credit_balance: given.credit, status: given.account })),
    });
    const { decision, gates, changes } = explain(one, POLICY, NO_PACKS);
    expect(decision).toEqual(decide(one, POLICY, NO_PACKS));
    expect(gates.every(({ pass }) => pass)).toBe(decision.kind === 'dial');
    expect(decision.kind === 'dial' && changes.length > 0).toBe(false);
    // More than one shut gate of different owners can never be opened by one act.
    const shut = new Set(gates.filter(({ pass }) => !pass).map(({ gate }) => gate));
    expect(shut.has('account') && shut.has('attempts') && changes.length > 0).toBe(false);
  });
});

describe('the tally of a batch', () => {
  it('counts first and all reasons, and places jobs into the coming hours', () => {
    const tally = createTally(NOON);
    const all: readonly Facts[] = [
      facts(),
      facts({ job: job({ next_try_at: new Date('2026-11-18T17:30:00Z') }) }),
      facts({ job: job({ next_try_at: new Date('2026-11-25T17:30:00Z') }) }),
      facts({ job: job({ attempts: 3 }), batch: readBatch(batchDoc(null, { is_active: false })) }),
      facts({ batch: readBatch(batchDoc(null, { is_active: false })) }),
    ];
    for (const one of all) tally.add(decide(one, POLICY, NO_PACKS), explainGates(one, POLICY, NO_PACKS));
    const result = tally.result();
    expect(result).toMatchObject({ looked: 5, dialable: 1, stopping: 1, later: 1, never: 2 });
    expect(result.hours[0]).toBe(1);
    expect(result.hours[2]).toBe(1);
    expect(result.reasons.map(({ code, first, any }) => [code, first, any])).toEqual([
      ['RETRY_DELAY', 2, 2],
      ['PAUSED', 1, 2],
      ['ATTEMPTS_EXHAUSTED', 1, 1],
    ]);
  });
});
