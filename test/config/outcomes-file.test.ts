import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadDispositions, loadOutcomes } from '../../src/config/outcomes-file.js';
import { SpeechAiError } from '../../src/domain/errors.js';
import { OUTCOME_CLASSES } from '../../src/domain/outcomes.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'speechai-outcomes-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (name: string, content: unknown): void =>
  writeFileSync(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));

function refusal(load: () => unknown): SpeechAiError {
  try {
    load();
  } catch (thrown) {
    if (thrown instanceof SpeechAiError) return thrown;
    throw thrown;
  }
  throw new Error('it was accepted');
}

describe('outcomes.json', () => {
  test('the packaged table has a row for every class and for reasons nobody knows', () => {
    const { table, sources } = loadOutcomes(null);
    expect(Object.keys(table.classes).sort()).toEqual([...OUTCOME_CLASSES].sort());
    expect(table.reasons['*']).toEqual({ class: 'unknown', ifSilent: null });
    expect(sources).toHaveLength(1);
  });

  test('an installation changes single rows and keeps the others', () => {
    put('outcomes.json', { reasons: { user_declined: 'voicemail' }, classes: { busy: { delay: [5, 15, 60] } } });
    const { table, sources } = loadOutcomes(dir);
    expect(table.reasons['user_declined']?.class).toBe('voicemail');
    expect(table.reasons['dial_busy']?.class).toBe('busy');
    expect(table.classes.busy).toMatchObject({ delay: [5, 15, 60], rotate: true });
    expect(sources.at(-1)).toBe(join(dir, 'outcomes.json'));
  });

  test('a directory without the file changes nothing', () => {
    expect(loadOutcomes(dir).table).toEqual(loadOutcomes(null).table);
  });

  test.each<[string, unknown, RegExp]>([
    ['a class nobody knows', { reasons: { x: 'aswered' } }, /reasons\.x/],
    ['a misspelt key', { classes: { busy: { dealy: 'retry' } } }, /classes\.busy.*dealy/],
    ['a misspelt section', { class: {} }, /class/],
    ['an extra class', { classes: { bsy: {} } }, /bsy/],
    ['a redial at once', { classes: { busy: { delay: 'none' } } }, /redialled at once/],
    ['a pending end', { classes: { busy: { endsJob: true } } }, /disagree/],
    ['an empty list of delays', { classes: { busy: { delay: [] } } }, /delay/],
    ['a delay of nothing', { classes: { busy: { delay: [0] } } }, /delay/],
    ['a suspension without a reason', { classes: { busy: { endsJob: true, status: 'suspended' } } }, /suspendReason/],
    ['calling people who asked for no calls', { reasons: { user_requested_dnc: 'no_answer' } }, /must be no_contact/],
    ['no suppression', { classes: { no_contact: { suppress: false } } }, /must suppress/],
    ['answered without an end', { classes: { answered: { endsJob: false, status: 'pending', delay: 'retry' } } }, /must end/],
    ['a list', [], /the file/],
    ['no JSON', '{', /not JSON/],
    ['reasons that are none', { reasons: 3 }, /reasons/],
  ])('P4: %s is refused by name of file and row, with exit code 78', (_what, content, message) => {
    put('outcomes.json', content);
    const error = refusal(() => loadOutcomes(dir));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(join(dir, 'outcomes.json'));
    expect(error).toMatchObject({ code: 'CONFIG_FILE_INVALID', exitCode: 78 });
  });
});

describe('dispositions.json', () => {
  const valid = {
    qualifications: { hot: 3 },
    outcomes: ['sale'],
    sentiments: ['unknown'],
    rules: [{ name: 'sold', when: { 'custom.sold': true }, set: { outcome: 'sale' } }],
    default: { outcome: 'sale', qualification: 'hot', sentiment: 'unknown' },
  };

  test("the installation's file replaces the packaged one", () => {
    put('dispositions.json', `\uFEFF${JSON.stringify(valid)}`);
    expect(loadDispositions(dir).table.rules.map((rule) => rule.name)).toEqual(['sold']);
  });

  test.each<[string, unknown, RegExp]>([
    ['an outcome not in the list', { ...valid, default: { ...valid.default, outcome: 'sail' } }, /default\.outcome.*"sail"/],
    [
      'a qualification not in the list',
      { ...valid, rules: [{ name: 'r', when: { class: 'busy' }, set: { qualification: 'warm' } }] },
      /rules\.0\.set/,
    ],
    ['a condition on nothing known', { ...valid, rules: [{ name: 'r', when: { clas: 'busy' }, set: {} }] }, /something unknown/],
    ['a rule without conditions', { ...valid, rules: [{ name: 'r', when: {}, set: {} }] }, /default/],
  ])('%s is refused', (_what, content, message) => {
    put('dispositions.json', content);
    expect(refusal(() => loadDispositions(dir)).message).toMatch(message);
  });
});
