/** Turns a JSON line of the log into one that is read on a terminal. */
import { styleText } from 'node:util';

type Colour = Parameters<typeof styleText>[0];

const COLOURS: Readonly<Record<string, Colour>> = {
  trace: 'gray',
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: 'magenta',
};
const SHOWN_ELSEWHERE = new Set(['time', 'level', 'component', 'msg', 'pid']);

/** Escape sequences in a message could rewrite what the terminal shows. */
function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (char) => (char === '\n' ? '\n    ' : char === '\t' ? ' ' : '\uFFFD'));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:@/+*#[\]-]+$/.test(value)) return value;
  return withoutControls(JSON.stringify(value) ?? '');
}

function stackOf(value: unknown): string {
  if (!isRecord(value) || typeof value['stack'] !== 'string') return '';
  return `\n    ${withoutControls(value['stack'])}${'cause' in value ? stackOf(value['cause']) : ''}`;
}

export function prettyLine(line: string, colours: boolean): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return line;
  }
  if (!isRecord(parsed)) return line;
  const paint = (colour: Colour, text: string): string => (colours ? styleText(colour, text, { validateStream: false }) : text);
  const text = (key: string): string => (typeof parsed[key] === 'string' ? parsed[key] : '');
  const level = text('level');
  const fields: string[] = [];
  let stacks = '';
  for (const [key, value] of Object.entries(parsed)) {
    if (SHOWN_ELSEWHERE.has(key)) continue;
    const stack = stackOf(value);
    stacks += stack;
    const shown = stack !== '' && isRecord(value) ? `${String(value['type'])}: ${String(value['message'])}` : value;
    fields.push(`${paint('cyan', withoutControls(key))}=${valueText(shown)}`);
  }
  const head = [
    paint('gray', text('time').slice(11, 23)),
    paint(COLOURS[level] ?? 'white', level.toUpperCase().padEnd(5)),
    text('component').padEnd(9),
    withoutControls(text('msg')),
  ];
  return `${[...head, ...fields].join(' ')}${stacks}\n`;
}
