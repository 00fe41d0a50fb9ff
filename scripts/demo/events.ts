/** The daemon's lines as sentences: its journal (one line per dial, outcome and transition) and what its log says aloud. */
import type { LogLine } from './daemon.js';

export interface DemoEvent {
  /** One word for the column of a plain line. */
  readonly name: string;
  readonly text: string;
}

const text = (line: LogLine, key: string): string => {
  const value = line[key];
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
};

/** The job first, apart from what is said about it. */
const about = (line: LogLine, ...said: readonly string[]): string => {
  const sentence = said.filter((part) => part !== '').join(' ');
  return [text(line, 'job_id'), sentence].filter((part) => part !== '').join('  ');
};

type Describe = (line: LogLine) => string | null;

/** null: said by another line of the same moment. */
const JOURNAL: Readonly<Record<string, Describe>> = {
  placing: (line) => about(line, `${text(line, 'to')}  ${text(line, 'batch_id')}`),
  placed: () => null,
  unknown: (line) => about(line, 'no clear answer, so it is looked for and not dialled again:', text(line, 'message')),
  found: (line) => about(line, 'the call exists and is followed:', text(line, 'call_id')),
  settled: (line) => about(line, line['success'] === true ? 'success,' : '', text(line, 'why')),
  void: (line) => about(line, 'not placed:', text(line, 'why')),
  stopped: (line) => about(line, `now ${text(line, 'status')}:`, list(line['reasons'])),
  set_aside: (line) => about(line, `${text(line, 'reason')}:`, text(line, 'why')),
  adopted: (line) => about(line, `taken over while ${text(line, 'state')}`),
  rescued: (line) => about(line, 'was claimed and never dialled'),
  stop: (line) => about(line, 'the call is ended:', text(line, 'reason')),
  stray: (line) => about(line, 'a second call was found and is ended'),
  job_moved_on: (line) => about(line, 'somebody else changed it meanwhile:', text(line, 'found')),
};

/** `placing` is the intention; people read it as the dial. */
const WORDS: Readonly<Record<string, string>> = { placing: 'dial', unknown: 'unclear', void: 'withdrawn' };

/** Of the daemon's ordinary lines only those that say what becomes of the campaign. */
const TOLD = new Set(['ready', 'stopping', 'handing over what is still live', 'an account can pay again; its jobs go on']);

/** null: nothing for people to read. */
export function eventOf(line: LogLine): DemoEvent | null {
  const name = text(line, 'event');
  if (line['component'] === 'journal' && name !== '') {
    const describe = JOURNAL[name] ?? ((one: LogLine) => about(one, text(one, 'reason')));
    const said = describe(line);
    return said === null ? null : { name: WORDS[name] ?? name, text: said };
  }
  const message = text(line, 'msg');
  if (message === 'a batch is not dialled') return { name: 'waiting', text: `${text(line, 'batch_id')}  ${text(line, 'text')}` };
  if (message === 'a batch may be dialled again') return { name: 'open', text: text(line, 'batch_id') };
  const level = text(line, 'level').toLowerCase();
  if (['warn', 'error', 'fatal'].includes(level)) return { name: level, text: [message, ...marks(line)].join('  ') };
  return level === 'info' && TOLD.has(message) ? { name: 'daemon', text: message } : null;
}

const marks = (line: LogLine): string[] =>
  ['account_id', 'batch_id', 'job_id', 'reason', 'error'].map((key) => text(line, key)).filter((mark) => mark !== '');
const list = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');

/** `  12.3 s  settled    demo-0012  ...`: one line, whatever the event's own text holds. */
export function plainLine(sinceMs: number, event: DemoEvent): string {
  return `${(sinceMs / 1_000).toFixed(1).padStart(6)} s  ${event.name.padEnd(9)}  ${event.text.replaceAll(/\s*\n\s*/g, ' ')}`;
}
