/** What a command shows: data on stdout, everything for people on stderr, colour only where somebody can see it. */
import { createInterface, type Interface } from 'node:readline/promises';
import { styleText } from 'node:util';
import { EXIT, SpeechAiError } from '../domain/errors.js';

type Style = Parameters<typeof styleText>[0];

/** One line of a command's data. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line for the person at the terminal; scripts that read stdout never see it. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Keys as the documents spell them, whatever they are called in here. Below the keys in `maps` stand names that are data (statuses, variables,
 * reasons), which stay as they are.
 */
export function snakeKeys(data: unknown, maps: readonly string[] = []): unknown {
  if (Array.isArray(data)) return data.map((one) => snakeKeys(one, maps));
  if (typeof data !== 'object' || data === null || data instanceof Date) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      maps.includes(key) ? (value as unknown) : snakeKeys(value, maps),
    ]),
  );
}

export function printJson(data: unknown): void {
  print(JSON.stringify(data, null, 2));
}

/** `none`: the sentence in place of a table without rows, which would be an empty box. */
export async function printTable(head: readonly string[], rows: readonly (readonly string[])[], none?: string): Promise<void> {
  if (rows.length === 0) {
    if (none !== undefined) say(none);
    return;
  }
  print(await tableText(head, rows, process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY));
}

/** No ANSI in the lines themselves: they go into files and mails as well. A terminal too narrow for the table would break its lines: it gets one value a line. */
export async function tableText(head: readonly string[], rows: readonly (readonly string[])[], columns: number): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push([...row]);
  const text = table.toString();
  if (rows.length === 0 || text.indexOf('\n') <= columns) return text;
  const longest = Math.max(...head.map((name) => name.length));
  const told = (row: readonly string[]): string =>
    head.flatMap((name, n) => ((row[n] ?? '') === '' ? [] : [`${name.padEnd(longest)}  ${row[n] ?? ''}`])).join('\n');
  return rows.map(told).join('\n\n');
}

/** `--no-color` sets NO_COLOR, so that libraries and child processes obey it too. */
export function hasColour(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return hasColour(stream) ? styleText(style, text, { validateStream: false }) : text;
}

export interface Consent {
  /** `--yes` or `--confirm` was given. */
  readonly yes: boolean;
}

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

/** Asked in English, answered by people who think in Spanish. */
export const isYes = (answer: string): boolean => /^(?:y(?:es)?|s[ií]?)$/i.test(answer.normalize('NFC').trim());

/** Asks on a terminal; elsewhere nobody can answer, so the flag is required rather than waited for. */
export async function confirm(
  question: string,
  consent: Consent,
  terminal: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (consent.yes) return true;
  if (terminal.input.isTTY !== true) {
    throw new SpeechAiError('CONFIRMATION_NEEDED', `${question} Nobody can answer here.`, {
      remedy: 'Add --yes when this is what you want.',
      exitCode: EXIT.usage,
    });
  }
  const readline = createInterface({ input: terminal.input, output: terminal.output });
  try {
    // Ctrl-C at the prompt reaches readline, not the process.
    readline.once('SIGINT', () => {
      terminal.output.write('\nNothing was done.\n');
      process.exit(EXIT.interrupted);
    });
    // Ctrl-D rejects the question on some terminals and only closes it on others: either is an answer, and a no.
    const answer = await Promise.race([readline.question(`${question} [y/N] `).catch(() => null), closed(readline)]);
    if (answer === null) terminal.output.write('\n');
    return answer !== null && isYes(answer);
  } finally {
    readline.close();
  }
}

function closed(readline: Interface): Promise<null> {
  return new Promise((resolve) => void readline.once('close', () => resolve(null)));
}
