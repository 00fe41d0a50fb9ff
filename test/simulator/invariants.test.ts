import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { audit } from '../../src/simulator/audit.js';
import { createCalls } from '../../src/simulator/calls.js';
import type { Calls } from '../../src/simulator/calls.js';
import { openLedger, parseLedger } from '../../src/simulator/ledger.js';
import type { Ledger, LedgerEntry } from '../../src/simulator/ledger.js';
import { chooseOutcome } from '../../src/simulator/outcomes.js';
import { createTimeline } from '../../src/simulator/timeline.js';
import type { Timeline } from '../../src/simulator/timeline.js';
import { handClock } from './support.js';

function world(seed: string): { calls: Calls; ledger: Ledger; timeline: Timeline } {
  const clock = handClock();
  const timeline = createTimeline(clock, 0);
  const ledger = openLedger(null, clock.wallMs);
  return { calls: createCalls({ seed, runId: () => 'a run', script: null, clock, timeline, ledger }), ledger, timeline };
}

const place = (calls: Calls, to: string, attempt: string): string =>
  calls.place(
    {
      to,
      from: '+56225550000',
      agentId: 'agent',
      agentVersion: 0,
      metadata: { attempt_id: attempt },
      variables: null,
      sipHeaders: null,
      ringLimitMs: 30_000,
      maxDurationMs: 600_000,
    },
    false,
  ).id;

const LIVE = new Set(['registered', 'ongoing', 'on_hold']);

type Step =
  | { readonly do: 'dial'; readonly to: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'stop'; readonly nth: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('dial' as const), to: fc.integer({ min: 0, max: 999 }) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 90_000 }) }),
    fc.record({ do: fc.constant('stop' as const), nth: fc.nat(20) }),
  ),
  { maxLength: 60 },
);

function play(seed: string, script: readonly Step[]): ReturnType<typeof world> {
  const made = world(seed);
  const placed: string[] = [];
  for (const [index, step] of script.entries()) {
    if (step.do === 'dial') placed.push(place(made.calls, `+56911111${String(step.to).padStart(3, '0')}`, `attempt-${index}`));
    else if (step.do === 'wait') made.timeline.advance(step.ms);
    else {
      const call = made.calls.get(placed[step.nth] ?? '');
      if (call !== undefined) made.calls.stop(call);
    }
  }
  return made;
}

describe('the simulator’s own promises', () => {
  it.prop([fc.string(), steps])('each call lives once and legally, and the ledger tells all of it', (seed, script) => {
    const { calls, ledger, timeline } = play(seed, script);
    const byCall = new Map<string, LedgerEntry[]>();
    for (const entry of ledger.entries()) {
      if (entry.callId !== undefined) byCall.set(entry.callId, [...(byCall.get(entry.callId) ?? []), entry]);
    }
    expect(byCall.size).toBe(calls.all().length);
    for (const [callId, entries] of byCall) {
      const call = calls.get(callId);
      expect(entries[0]?.event).toBe('dial');
      expect(entries.filter((entry) => entry.event === 'dial')).toHaveLength(1);
      const transitions = entries.filter((entry) => entry.event === 'transition');
      expect(transitions.filter((entry) => entry.live === false).length).toBe(call?.live === true ? 0 : 1);
      // Nothing happens to a call after its end, and it talks at most once.
      if (call?.live === false) expect(entries.at(-1)).toMatchObject({ event: 'transition', live: false, status: call.status });
      expect(transitions.filter((entry) => entry.live === true).length).toBe(call?.startedAtMs === null ? 0 : 1);
      if (call?.live === true) expect(LIVE.has(call.status)).toBe(true);
      if (call?.startedAtMs === null) expect(call.durationMs).toBe(0);
    }
    expect(calls.liveCount()).toBe(calls.all().filter((call) => call.live).length);
    timeline.advance(4 * 3_600_000);
    expect(calls.liveCount()).toBe(0);
    expect(timeline.pending()).toBe(0);
  });

  it.prop([fc.string(), steps])('the same seed and the same dials give the same ledger', (seed, script) => {
    expect(play(seed, script).ledger.entries()).toEqual(play(seed, script).ledger.entries());
  });

  it.prop([fc.string(), fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 1, max: 9 })])(
    'an outcome depends on seed, number and n-th dial alone',
    (seed, suffix, dial) => {
      const number = `+569${String(suffix).padStart(8, '0')}`;
      const before = chooseOutcome(seed, number, dial, null);
      for (let other = 0; other < 5; other += 1) chooseOutcome(seed, `+5691111${other}`, other + 1, null);
      expect(chooseOutcome(seed, number, dial, null)).toEqual(before);
    },
  );

  it('has the mix of a believable day, and dead numbers stay dead', () => {
    const names = new Map<string, number>();
    const risen: string[] = [];
    const total = 20_000;
    for (let n = 0; n < total; n += 1) {
      const number = `+5691${String(n).padStart(6, '0')}1`;
      if (/9\d\d$/.test(number)) continue;
      const { name } = chooseOutcome('mix', number, 1, null);
      names.set(name, (names.get(name) ?? 0) + 1);
      if (name === 'invalid_destination' && chooseOutcome('mix', number, 2, null).name !== name) risen.push(number);
    }
    expect(risen).toEqual([]);
    const counted = [...names.values()].reduce((sum, count) => sum + count, 0);
    const share = (...of: string[]): number => of.reduce((sum, name) => sum + (names.get(name) ?? 0), 0) / counted;
    expect(share('dial_no_answer', 'user_declined')).toBeCloseTo(0.45, 1);
    expect(share('voicemail_reached', 'voicemail_by_analysis', 'ivr_reached')).toBeCloseTo(0.2, 1);
    expect(share('success')).toBeGreaterThan(0.08);
    expect(share('success', 'user_hangup', 'agent_hangup', 'inactivity')).toBeCloseTo(0.2, 1);
    expect(share('invalid_destination')).toBeGreaterThan(0.02);
  });
});

describe('the audit', () => {
  const entry = (facts: Partial<LedgerEntry>): LedgerEntry => ({ seq: 1, at: '2026-11-20T12:00:00.000Z', event: 'dial', ...facts });
  const dialled = (callId: string, to: string, at: string, attemptId = callId): LedgerEntry =>
    entry({ callId, to, attemptId, at: `2026-11-20T12:00:${at}Z` });
  const over = (callId: string): LedgerEntry => entry({ event: 'transition', callId, live: false });

  it.each([
    ['nothing', [dialled('1', '+5411', '00.000'), over('1'), dialled('2', '+5411', '01.000')], []],
    ['two dials of one attempt', [dialled('1', '+5411', '00.000', 'a'), over('1'), dialled('2', '+5411', '01.000', 'a')], ['double_dial']],
    ['two live calls to one number', [dialled('1', '+5411', '00.000'), dialled('2', '+5411', '01.000')], ['two_live_calls']],
    ['two spellings of one telephone', [dialled('1', '+5491122', '00.000'), dialled('2', '+541122', '02.000')], ['two_live_calls']],
    ['three live of two', [dialled('1', '+1', '00.000'), dialled('2', '+2', '01.000'), dialled('3', '+3', '02.000')], ['over_concurrency']],
    ['two starts within a second', [dialled('1', '+1', '00.000'), dialled('2', '+2', '00.899')], ['over_calls_per_second']],
    ['calls of a simulator that is gone', [dialled('1', '+1', '00.000'), entry({ event: 'start' }), dialled('2', '+1', '02.000')], []],
  ] as [string, LedgerEntry[], string[]][])('finds %s', (_what, entries, rules) => {
    const start = entry({ event: 'start', limits: { concurrency: 2, callsPerSecond: 1 } });
    expect(audit([start, ...entries]).map((violation) => violation.rule)).toEqual(rules);
  });

  it('checks against tighter limits than the provider’s', () => {
    const start = entry({ event: 'start', limits: { concurrency: 20, callsPerSecond: null } });
    const entries = [start, dialled('1', '+1', '00.000'), dialled('2', '+2', '02.000')];
    expect(audit(entries)).toEqual([]);
    expect(audit(entries, { concurrency: 1 }).map((violation) => violation.rule)).toEqual(['over_concurrency']);
  });
});

describe('the ledger file', () => {
  it('holds each entry by the time the call returns, and can be read back with its last line cut off', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ledger-'));
    const file = join(directory, 'ledger.jsonl');
    try {
      const ledger = openLedger(file, () => 0);
      ledger.append({ event: 'dial', callId: 'c', to: '+1', attemptId: 'a' });
      const text = readFileSync(file, 'utf8');
      expect(parseLedger(`${text}{"seq":2,"at":"x","ev`)).toEqual(ledger.entries());
      ledger.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
