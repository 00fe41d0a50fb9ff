/** The live view as a pure function: a screen and a terminal's width in, lines out. No line is ever wider than the terminal. */
import { styleText } from 'node:util';
import type { Screen } from './progress.js';

export interface Terminal {
  /** 0: the terminal does not say; 80 are taken then. */
  readonly columns: number;
  readonly colour: boolean;
}

type Style = Parameters<typeof styleText>[0];
/** Text with its colour still apart from it, so that cutting counts only what is seen. */
interface Piece {
  readonly text: string;
  readonly style?: Style;
}

const USUAL_COLUMNS = 80;
const LEAST_COLUMNS = 20;
const LABEL = 10;
const SPARKS = '▁▂▃▄▅▆▇█';

const STATE_STYLE: Readonly<Record<string, Style>> = { done: 'green', in_progress: 'cyan', suspended: 'yellow', failed: 'red' };
const OUTCOME_STYLE: Readonly<Record<string, Style>> = {
  answered: 'green',
  voicemail: 'blue',
  no_answer: 'yellow',
  lost: 'red',
  unknown: 'red',
};

export function render(screen: Screen, terminal: Terminal): string[] {
  const columns = Math.max(LEAST_COLUMNS, terminal.columns > 0 ? terminal.columns : USUAL_COLUMNS);
  const { workers } = screen;
  const rows: Piece[][] = [
    [{ text: screen.title, style: 'bold' }, { text: `  ${(screen.sinceMs / 1_000).toFixed(1)} s` }],
    [label('daemon'), { text: screen.daemon }],
    [
      label('workers'),
      ...gauge(workers.busy ?? 0, workers.all, columns),
      { text: workers.busy === null ? `${workers.all}` : `${workers.busy} of ${workers.all} busy` },
    ],
    [label('calls'), { text: `${screen.live} live`, style: 'cyan' }, { text: `  ${screen.dials} placed  ${screen.callsPerMinute}/min  ` }],
    ...sparkline(screen.pace, columns),
    ...flow(
      'jobs',
      screen.states.map(([status, jobs]) => piece(`${status} ${jobs}`, STATE_STYLE[status])),
      columns,
    ),
    ...flow(
      'outcomes',
      screen.outcomes.map(([outcome, calls]) => piece(`${outcome} ${calls}`, OUTCOME_STYLE[outcome])),
      columns,
    ),
    ...screen.waiting.map(({ batch, jobs, why }, i) => [
      label(i === 0 ? 'waiting' : ''),
      piece(`${batch} ${jobs}: `, 'yellow'),
      { text: why },
    ]),
    ...screen.latest.map((text): Piece[] => [{ text, style: 'dim' }]),
  ];
  return rows.map((row) => paint(cut(row, columns), terminal.colour));
}

const piece = (text: string, style: Style | undefined): Piece => (style === undefined ? { text } : { text, style });
const label = (text: string): Piece => ({ text: text.padEnd(LABEL), style: 'dim' });

/** Left out where a terminal is too narrow for it to say anything. */
function gauge(part: number, all: number, columns: number): Piece[] {
  const width = Math.min(20, columns - LABEL - 20);
  if (width < 5 || all <= 0) return [];
  const filled = Math.round((Math.min(part, all) / all) * width);
  return [{ text: '█'.repeat(filled), style: 'cyan' }, { text: '░'.repeat(width - filled), style: 'dim' }, { text: ' ' }];
}

function sparkline(pace: readonly number[], columns: number): Piece[][] {
  const shown = pace.slice(-(columns - LABEL));
  const most = Math.max(1, ...shown);
  const sparks = shown.map((calls) => (calls === 0 ? ' ' : (SPARKS[Math.ceil((calls / most) * SPARKS.length) - 1] ?? ' '))).join('');
  return [[label('per second'), { text: sparks, style: 'cyan' }]];
}

/** Items one after the other, on as many rows as they need. */
function flow(name: string, items: readonly Piece[], columns: number): Piece[][] {
  const rows: Piece[][] = [];
  let row: Piece[] = [label(name)];
  let width = LABEL;
  for (const item of items) {
    if (width > LABEL && width + item.text.length > columns) {
      rows.push(row);
      row = [label('')];
      width = LABEL;
    }
    row.push(item, { text: '  ' });
    width += item.text.length + 2;
  }
  rows.push(row);
  return rows;
}

function cut(row: readonly Piece[], columns: number): Piece[] {
  let left = columns;
  const kept: Piece[] = [];
  for (const one of row) {
    if (left <= 0) break;
    const text = one.text.slice(0, left);
    left -= text.length;
    kept.push({ ...one, text });
  }
  return kept;
}

function paint(row: readonly Piece[], colour: boolean): string {
  const line = row
    .map(({ text, style }) => (colour && style !== undefined && text !== '' ? styleText(style, text, { validateStream: false }) : text))
    .join('');
  return colour ? line : line.trimEnd();
}

/** NO_COLOR (any text but none) and a terminal that can show nothing else switch colours off. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Redrawing in place needs a terminal that can move its cursor; everything else gets one plain line per event. */
export function wantsLiveView(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTerminal && env['TERM'] !== 'dumb';
}
