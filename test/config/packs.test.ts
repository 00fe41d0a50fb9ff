import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Temporal } from 'temporal-polyfill';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadExamples, loadPacks } from '../../src/config/packs.js';
import { decide } from '../../src/domain/decide.js';
import { readAccount } from '../../src/domain/read-account.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { POLICY, accountDoc, batchDoc, called, facts, job } from '../domain/samples.js';

const PACKS = loadPacks();
const examples = [...loadExamples()].flatMap(([pack, each]) =>
  each.map((example): [string, string, typeof example] => [pack, example.say, example]),
);
const instant = (local: string, zone: string) => new Date(Temporal.PlainDateTime.from(local).toZonedDateTime(zone).epochMilliseconds);

test.each(examples)('rule pack %s: %s', (pack, _, example) => {
  const country = pack === 'ar' ? 'AR' : 'CL';
  const who = job();
  const history = example.earlier.map(({ at, reached, same }) => ({
    ...called(instant(at, example.zone), reached, who),
    ...(same === 'person' ? { line: 'another number of the person' } : { person: null }),
  }));
  const given = facts({
    job: who,
    batch: readBatch(batchDoc({ timezone: example.zone }, { rules: pack })),
    account: readAccount(accountDoc({ country })),
    history,
    now: instant(example.at, example.zone),
  });
  const decision = decide(given, { ...POLICY, minRedialMs: 0 }, PACKS);
  expect(decision.kind).toBe(example.expect);
  if (decision.kind !== 'wait') return;
  expect(decision.reasons.map(({ code }) => code)).toContain(example.code);
  expect(decision.until).toEqual(example.until === undefined ? null : instant(example.until, example.zone));
});

test.each(['cl', 'ar'])('every rule of pack %s has an example in which it stops a call', (name) => {
  const shown = examples.filter(([pack]) => pack === name).flatMap(([, , { code }]) => code ?? []);
  const pack = PACKS.rules[name];
  expect(shown).toEqual(
    expect.arrayContaining([
      'WINDOW_CLOSED',
      'HOLIDAY',
      ...(pack?.limits ?? []).map(({ scope }) => (scope === 'number' ? 'LIMIT_PHONE' : 'LIMIT_PERSON')),
    ]),
  );
});

test.each([
  ['cl', '2025-04-18', true],
  ['cl', '2025-06-20', true],
  ['cl', '2026-06-21', true],
  ['cl', '2027-09-17', true],
  ['cl', '2028-06-20', true],
  ['cl', '2028-10-09', true],
  ['cl', '2028-10-27', true],
  ['cl', '2028-10-31', false],
  ['ar', '2026-02-16', true],
  ['ar', '2026-11-23', true],
  ['ar', '2026-11-20', false],
  ['ar', '2027-06-21', true],
  ['ar', '2028-04-14', true],
])('%s: %s is a holiday: %s', (country, date, holiday) => {
  expect(PACKS.holidays[country]?.has(date)).toBe(holiday);
});

test.each(['cl', 'ar'])('%s: every year from 2025 to 2028 is listed', (country) => {
  const years = new Set([...(PACKS.holidays[country] ?? [])].map((date) => date.slice(0, 4)));
  expect([...years].toSorted()).toEqual(['2025', '2026', '2027', '2028']);
});

describe('P4: a malformed file stops the start, and is named', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'packs-'));
    mkdirSync(join(dir, 'rules'));
    mkdirSync(join(dir, 'holidays'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const rules = (more: object) =>
    JSON.stringify({
      name: 'xx',
      title: 'A pack',
      limits: [],
      examples: [{ say: 'An example of it', at: '2026-11-18T12:00', zone: 'UTC', expect: 'dial' }],
      ...more,
    });

  test.each([
    ['rules', '{'],
    ['rules', rules({ limits: [{ scope: 'planet', basis: 'placed', window: { kind: 'day' }, max: 1, reason: 'a long reason' }] })],
    ['rules', rules({ limits: [{ scope: 'account', basis: 'answered', window: { kind: 'week' }, max: 1, reason: 'a long reason' }] })],
    ['rules', rules({ hours: { allowed: { mon: '9-18' }, reason: 'a long reason' } })],
    ['rules', rules({ examples: [] })],
    ['rules', rules({ hour: {} })],
    ['holidays', JSON.stringify({ country: 'XX', dates: [{ date: '2026-13-01', name: 'no' }] })],
    ['holidays', JSON.stringify({ country: 'XX', dates: [{ date: '2026-05-01', name: 'no new year' }] })],
  ])('%s: %s', (folder, content) => {
    writeFileSync(join(dir, folder, 'xx.json'), content);
    expect(() => loadPacks(dir)).toThrow(/xx\.json cannot be used/);
  });

  test('a sound one is taken', () => {
    writeFileSync(join(dir, 'rules', 'xx.json'), rules({}));
    expect(Object.keys(loadPacks(dir).rules)).toEqual(['xx']);
  });
});
