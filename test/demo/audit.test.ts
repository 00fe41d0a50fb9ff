/** The demo's audit finds what it is there to find: one made-up ledger per rule, each a single step away from a clean one. */
import { describe, expect, it } from 'vitest';
import { type AuditInput, auditDemo, isWithin, storyOf } from '../../scripts/demo/audit.js';
import { type Campaign, planCampaign } from '../../scripts/demo/campaign.js';
import { inventNumber, inventPerson } from '../../scripts/demo/people.js';
import { dice } from '../../src/simulator/dice.js';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { readPhone } from '../../src/domain/phones.js';

const NOON = Date.parse('2026-11-18T15:00:00.000Z');
const CAMPAIGN: Campaign = planCampaign('audit', 40, new Date(NOON));

const phonesOf = (id: string): string[] => {
  const contact = CAMPAIGN.jobs.find((job) => job.job_id === id)?.contact;
  return (contact as { phones: string[] }).phones;
};
const jobIn = (batch: string): string => CAMPAIGN.jobs.find((job) => job.batch_id === batch && /\d$/.test(job.job_id))?.job_id ?? '';
const [OPEN, CREDIT, CLOSED] = [jobIn('cordillera-cuyo'), jobIn('andes-vencidos'), jobIn('pampa-noche')];

interface Call {
  readonly job: string;
  readonly to?: string;
  readonly attempt?: string;
  /** Seconds after noon. */
  readonly at: number;
  readonly for?: number;
  readonly reason?: string;
  readonly cents?: number;
}

const ledger = (...calls: readonly Call[]): LedgerEntry[] =>
  calls
    .flatMap((call, n): Omit<LedgerEntry, 'seq'>[] => {
      const callId = `call_${n}`;
      const to = call.to ?? phonesOf(call.job)[0] ?? '';
      const at = (seconds: number): string => new Date(NOON + seconds * 1_000).toISOString();
      const batch = CAMPAIGN.jobs.find((job) => job.job_id === call.job)?.batch_id ?? '';
      const metadata = { job_id: call.job, batch_id: batch };
      const end = {
        event: 'transition',
        callId,
        to,
        live: false,
        reason: call.reason ?? 'dial_no_answer',
        costCents: call.cents ?? 0,
      } as const;
      return [
        { at: at(call.at), event: 'dial', callId, to, attemptId: call.attempt ?? `attempt_${n}`, metadata },
        { at: at(call.at + (call.for ?? 1)), ...end },
      ];
    })
    .toSorted((a, b) => a.at.localeCompare(b.at))
    .map((entry, seq) => ({ seq, ...entry }));

const audit = (entries: readonly LedgerEntry[], input: Partial<AuditInput> = {}): ReturnType<typeof auditDemo> =>
  auditDemo({ entries, campaign: CAMPAIGN, pauses: [], concurrency: 3, callsPerSecond: 3, slackMs: 0, transientRetries: 3, ...input });

const CLEAN: readonly Call[] = [
  { job: OPEN, at: 0, reason: 'dial_busy' },
  { job: OPEN, at: 5, reason: 'error_retell' },
  { job: CREDIT, at: 5, reason: 'agent_hangup', cents: 12.5 },
];
const pause = { batch: 'cordillera-cuyo', fromMs: NOON + 1_000, toMs: NOON + 4_900 };

describe('the audit of the demo', () => {
  it('finds nothing in a clean ledger, and adds up what it cost', () => {
    const result = audit(ledger(...CLEAN), { pauses: [pause] });
    expect(result.breaches).toEqual([]);
    expect(result).toMatchObject({ dials: 3, spentCents: 12.5, byRule: { double_dial: 0, outside_hours: 0 } });
  });

  it.each<[rule: string, calls: readonly Call[], input?: Partial<AuditInput>]>([
    [
      'double_dial',
      [
        { job: OPEN, at: 20, attempt: 'one' },
        { job: OPEN, at: 25, attempt: 'one' },
      ],
    ],
    [
      'two_live_calls',
      [
        { job: OPEN, at: 20, for: 10 },
        { job: OPEN, at: 25 },
      ],
    ],
    [
      'over_concurrency',
      [
        { job: OPEN, at: 20, for: 9 },
        { job: CREDIT, at: 22, for: 9 },
      ],
      { concurrency: 1 },
    ],
    [
      'over_calls_per_second',
      [
        { job: OPEN, at: 20 },
        { job: CREDIT, at: 20.1 },
      ],
      { callsPerSecond: 1 },
    ],
    ['stranger', [{ job: OPEN, at: 20, to: '+56911111111' }]],
    ['stranger', [{ job: 'nobody', at: 20, to: '+56911111111' }]],
    ['outside_hours', [{ job: CLOSED, at: 20 }]],
    ['while_paused', [{ job: OPEN, at: 3 }], { pauses: [pause] }],
    ['too_many_attempts', [10, 15, 20].map((at) => ({ job: OPEN, at }))],
    ['too_many_attempts', [10, 15, 20, 25, 30].map((at) => ({ job: OPEN, at, reason: 'error_retell' }))],
    [
      'after_no_contact',
      [
        { job: CREDIT, at: 10, reason: 'user_requested_dnc' },
        { job: CREDIT, at: 15 },
      ],
    ],
    [
      'dead_number',
      [
        { job: CREDIT, at: 10, reason: 'invalid_destination' },
        { job: CREDIT, at: 15 },
      ],
    ],
    ['overspent', [{ job: CREDIT, at: 10, reason: 'agent_hangup', cents: 500 }]],
  ])('finds %s', (rule, calls, input = {}) => {
    const entries = ledger(...CLEAN, ...calls);
    const { breaches, byRule } = audit(entries, input);
    expect([...new Set(breaches.map((breach) => breach.rule))]).toEqual([rule]);
    expect(byRule[rule]).toBeGreaterThan(0);
    expect(breaches[0]?.text).not.toBe('');
    expect(storyOf(breaches[0] ?? { rule, at: '', text: '', callIds: [] }, entries).join('\n')).toContain('dial');
  });

  it.each([
    ['09:00', '18:00', '2026-11-18T12:00:00Z', true],
    ['09:00', '18:00', '2026-11-18T11:59:00Z', false],
    ['09:00', '18:00', '2026-11-18T21:00:00Z', false],
    ['22:00', '02:00', '2026-11-18T03:00:00Z', true],
    ['22:00', '02:00', '2026-11-18T05:00:00Z', false],
  ])('reads %s to %s at %s as open: %s', (start, end, at, open) => {
    expect(isWithin({ start, end, zone: 'America/Argentina/Buenos_Aires' }, new Date(at))).toBe(open);
  });
});

describe('the campaign', () => {
  it('is the same for the same seed, of the size that was asked for, and has one batch whose hours are not now at any hour of the day', () => {
    expect(planCampaign('audit', 40, new Date(NOON))).toEqual(CAMPAIGN);
    expect(planCampaign('other', 40, new Date(NOON)).jobs).not.toEqual(CAMPAIGN.jobs);
    for (const jobs of [20, 24, 120, 1_000]) expect(planCampaign('size', jobs, new Date(NOON)).jobs.length).toBe(jobs);
    for (let hour = 0; hour < 24; hour += 1) {
      const now = new Date(NOON + hour * 3_600_000);
      const shut = planCampaign('x', 20, now).batches.filter(({ hours }) => hours !== null && !isWithin(hours, now));
      expect(shut.map(({ id }) => id)).toEqual([CAMPAIGN.closed]);
    }
  });

  it('invents numbers that are dialable and no two alike, and documents with right check digits', () => {
    const numbers = Array.from({ length: 2_000 }, (_, n) => [inventNumber('CL', n, '123'), inventNumber('AR', n, '123')]).flat();
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.every((number) => readPhone(number, null).e164 === number)).toBe(true);
    // The known check digit of 11.111.111.
    expect(inventPerson('CL', 11_111_111 - 90_000_000, dice('any')).dni).toBe('11111111-1');
  });
});
