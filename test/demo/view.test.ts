/** The live view as people's terminals get it: by table of widths, with and without colour, and into a pipe. */
import { describe, expect, it } from 'vitest';
import { PassThrough } from 'node:stream';
import { createOutput } from '../../scripts/demo/output.js';
import { eventOf, plainLine } from '../../scripts/demo/events.js';
import { readOptions } from '../../scripts/demo/options.js';
import { createProgress, type Screen } from '../../scripts/demo/progress.js';
import { render, wantsColour, wantsLiveView } from '../../scripts/demo/view.js';

const SCREEN: Screen = {
  title: 'speechai demo  seed 7',
  sinceMs: 12_345,
  workers: { all: 30, busy: 22 },
  daemon: 'process 4711',
  live: 18,
  dials: 342,
  callsPerMinute: 1_180,
  pace: Array.from({ length: 40 }, (_, second) => second % 9),
  states: [
    ['done', 61],
    ['in_progress', 20],
    ['pending', 24],
    ['suspended', 7],
    ['failed', 8],
  ],
  outcomes: [
    ['no_answer', 120],
    ['answered', 61],
    ['voicemail', 40],
    ['busy', 8],
    ['transient', 5],
    ['dial_failed', 3],
    ['bad_number', 2],
    ['lost', 1],
  ],
  waiting: [
    { batch: 'pampa-noche', jobs: 12, why: "It is outside the batch's hours, or too near their end for the phone to ring." },
    { batch: 'andes-vencidos', jobs: 18, why: 'What is left of the account does not pay for one minute.' },
  ],
  latest: ['  12.1 s  dial       demo-0042  +56*****375  cordillera-mayo', '  12.3 s  settled    demo-0041  no_answer (dial_no_answer)'],
};

/** Escape sequences that set a colour, as any terminal reads them. */
const COLOUR = new RegExp(String.raw`${String.fromCharCode(27)}\[[\d;]*m`, 'g');
const seen = (line: string): string => line.replaceAll(COLOUR, '');

describe('the live view', () => {
  it.each([
    { columns: 0, widest: 80 },
    { columns: 40, widest: 40 },
    { columns: 80, widest: 80 },
    { columns: 200, widest: 200 },
    { columns: 3, widest: 20 },
  ])('of a terminal with $columns columns is at most $widest wide, and says everything', ({ columns, widest }) => {
    for (const colour of [true, false]) {
      const lines = render(SCREEN, { columns, colour }).map(seen);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(widest);
      const all = lines.join('\n');
      for (const [name, count] of [...SCREEN.states, ...SCREEN.outcomes].filter(() => widest >= 40))
        expect(all).toContain(`${name} ${count}`);
      for (const { batch } of SCREEN.waiting.filter(() => widest >= 40)) expect(all).toContain(batch);
      expect(all).toContain('18 live');
    }
  });

  it('uses the width it has: the reasons are whole at 200 columns, and the gauge goes where there is no room for it', () => {
    expect(render(SCREEN, { columns: 200, colour: false }).join('\n')).toContain(SCREEN.waiting[0]?.why);
    expect(render(SCREEN, { columns: 40, colour: false }).length).toBeGreaterThan(render(SCREEN, { columns: 200, colour: false }).length);
    expect(render(SCREEN, { columns: 80, colour: false }).join('')).toContain('█'.repeat(15));
    expect(render(SCREEN, { columns: 30, colour: false })[2]).not.toContain('█');
  });

  it('is colourless but the same where NO_COLOR is set', () => {
    const coloured = render(SCREEN, { columns: 80, colour: true });
    expect(coloured.join('')).toMatch(COLOUR);
    expect(coloured.map((line) => seen(line).trimEnd())).toEqual(render(SCREEN, { columns: 80, colour: false }));
  });

  it('draws a start without figures', () => {
    const progress = createProgress('speechai demo', 5, () => 1_000);
    expect(render(progress.screen(), { columns: 80, colour: false }).join('\n')).toContain('0 live');
  });

  it.each([
    { isTerminal: true, env: {}, live: true, colour: true },
    { isTerminal: true, env: { NO_COLOR: '1' }, live: true, colour: false },
    { isTerminal: true, env: { NO_COLOR: '' }, live: true, colour: true },
    { isTerminal: true, env: { TERM: 'dumb' }, live: false, colour: false },
    { isTerminal: false, env: {}, live: false, colour: true },
  ])('is drawn where it can be: terminal $isTerminal, $env', ({ isTerminal, env, live, colour }) => {
    expect(wantsLiveView(isTerminal, env)).toBe(live);
    expect(wantsColour(env)).toBe(colour);
  });
});

describe('the output', () => {
  const stream = (isTTY: boolean, columns: number, rows: number) => {
    const through = new PassThrough();
    return {
      stdout: Object.assign(through, { isTTY, columns, rows }) as unknown as NodeJS.WriteStream,
      text: () => String(through.read() ?? ''),
    };
  };

  it.each([
    [0, 0],
    [40, 50],
    [200, 50],
  ])('draws on a terminal of %i columns and %i rows, and in place', (columns, rows) => {
    const { stdout, text } = stream(true, columns, rows);
    const output = createOutput(stdout, false, { NO_COLOR: '1' });
    output.frame(SCREEN);
    expect(text()).toContain('18 live');
    output.frame({ ...SCREEN, live: 19 });
    const second = text();
    expect(second).toContain('19 live');
    expect(second).not.toContain('process 4711');
    output.event(0, { name: 'dial', text: 'only into a pipe' });
    expect(text()).toBe('');
    output.say('the end');
    expect(text()).toMatch(/the end\n$/);
  });

  it('writes plain lines into a pipe, and with --json one object', () => {
    const plain = stream(false, 0, 0);
    const output = createOutput(plain.stdout, false, {});
    output.frame(SCREEN);
    output.event(1_000, { name: 'dial', text: 'j1' });
    expect(plain.text()).toBe('   1.0 s  dial       j1\n');
    const json = stream(true, 80, 24);
    const silent = createOutput(json.stdout, true, {});
    silent.frame(SCREEN);
    silent.event(1_000, { name: 'dial', text: 'j1' });
    silent.say('nothing');
    silent.object({ a: 1 });
    silent.end();
    expect(json.text()).toBe('{"a":1}\n');
  });
});

describe('the figures', () => {
  it('come from the ledger, the database and the journal', () => {
    let nowMs = 0;
    const progress = createProgress('demo', 10, () => nowMs);
    progress.ledgerEntry({ seq: 1, at: '', event: 'dial', callId: 'a' });
    nowMs = 1_500;
    progress.ledgerEntry({ seq: 2, at: '', event: 'dial', callId: 'b' });
    progress.ledgerEntry({ seq: 3, at: '', event: 'transition', callId: 'a', live: false });
    progress.line({ component: 'journal', event: 'settled', class: 'busy', job_id: 'j', why: 'busy: again' });
    progress.line({ msg: 'snapshot', snapshot: { parked: 4 } });
    progress.line({ msg: 'a batch is not dialled', batch_id: 'x', text: 'It is paused.' });
    progress.picture({ counts: [{ batch: 'x', status: 'pending', jobs: 3 }], open: 0 });
    expect(progress.screen()).toMatchObject({
      live: 1,
      dials: 2,
      callsPerMinute: 80,
      pace: [1, 1],
      workers: { all: 10, busy: 6 },
      outcomes: [['busy', 1]],
      states: [['pending', 3]],
      waiting: [{ batch: 'x', jobs: 3, why: 'It is paused.' }],
    });
  });
});

describe('into a pipe', () => {
  it.each([
    [{ component: 'journal', event: 'placing', job_id: 'j1', to: '+56*****375', batch_id: 'b' }, '   1.0 s  dial       j1  +56*****375  b'],
    [
      { component: 'journal', event: 'settled', job_id: 'j1', success: true, why: 'answered: finished' },
      '   1.0 s  settled    j1  success, answered: finished',
    ],
    [
      { component: 'journal', event: 'stopped', job_id: 'j1', status: 'failed', reasons: ['A', 'B'] },
      '   1.0 s  stopped    j1  now failed: A, B',
    ],
    [{ component: 'journal', event: 'brand_new', job_id: 'j1', reason: 'why' }, '   1.0 s  brand_new  j1  why'],
    [{ level: 'error', msg: 'two\nlines', job_id: 'j1' }, '   1.0 s  error      two lines  j1'],
    [{ msg: 'a batch is not dialled', batch_id: 'b', text: 'It is paused.' }, '   1.0 s  waiting    b  It is paused.'],
  ])('an event is one plain line: %j', (line, said) => {
    const event = eventOf(line);
    expect(event === null ? null : plainLine(1_000, event)).toBe(said);
  });

  it('what only repeats another line, and what is of no interest, is left out', () => {
    for (const line of [
      { component: 'journal', event: 'placed', job_id: 'j' },
      { level: 'info', msg: 'logging starts' },
      { level: 'debug', msg: 'x' },
    ])
      expect(eventOf(line)).toBeNull();
  });
});

describe('the options', () => {
  it.each([['--jobs', '19'], ['--jobs', 'many'], ['--workers', '0'], ['--speed', ''], ['--unknown'], ['extra']])(
    'refuse %s %s',
    (...args) => {
      expect(readOptions(args).kind).toBe('wrong');
    },
  );

  it('are read, and have defaults', () => {
    expect(readOptions([])).toMatchObject({ kind: 'options', options: { jobs: 120, kill: false, faults: false, dir: null } });
    expect(readOptions(['--jobs', '30', '--kill', '--faults', '--seed', 'x'])).toMatchObject({
      options: { jobs: 30, kill: true, faults: true, seed: 'x' },
    });
    expect(readOptions(['-h']).kind).toBe('help');
  });
});
