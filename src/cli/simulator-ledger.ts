/** `speechai simulator ledger`: the record of who was called when, printed or checked. */
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import type { ExitCode } from '../domain/errors.js';
import { audit } from '../simulator/audit.js';
import type { Violation } from '../simulator/audit.js';
import { parseLedger } from '../simulator/ledger.js';
import type { LedgerEntry } from '../simulator/ledger.js';
import { readText } from './simulator-files.js';

export interface LedgerOptions {
  readonly check?: boolean;
  readonly concurrency?: number;
  readonly cps?: number;
}

/** `found` where a rule was broken. */
export async function showLedger(source: string, options: LedgerOptions, json: boolean): Promise<ExitCode> {
  const entries = await readLedger(source);
  if (options.check !== true) {
    print(json ? JSON.stringify(entries) : entries.map(describeEntry).join('\n'));
    return EXIT.ok;
  }
  const violations = audit(entries, { concurrency: options.concurrency ?? null, callsPerSecond: options.cps ?? null });
  report(entries, violations, json);
  return violations.length > 0 ? EXIT.found : EXIT.ok;
}

async function readLedger(source: string): Promise<readonly LedgerEntry[]> {
  if (!/^https?:\/\//.test(source)) return parseLedger(await readText(source));
  try {
    const response = await fetch(new URL('/_sim/ledger', source));
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return (await response.json()) as LedgerEntry[];
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : messageOf(thrown);
    throw new SpeechAiError('SIMULATOR_UNREACHABLE', `No simulator answers at ${source}: ${cause}`, {
      remedy: 'Start one with `speechai simulator`, or give the file of its --ledger.',
      cause: thrown,
    });
  }
}

function report(entries: readonly LedgerEntry[], violations: readonly Violation[], json: boolean): void {
  const dials = entries.filter((entry) => entry.event === 'dial').length;
  if (json) {
    print(JSON.stringify({ dials, violations }));
    return;
  }
  for (const violation of violations) print(`${violation.at}  ${violation.rule}  ${violation.text} (${violation.callIds.join(', ')})`);
  const doubles = violations.filter((violation) => violation.rule === 'double_dial').length;
  print(`dials: ${dials}, double dials: ${doubles}, broken rules: ${violations.length}`);
}

function describeEntry(entry: LedgerEntry): string {
  const parts = [
    entry.event.padEnd(10),
    entry.to ?? '',
    entry.status ?? '',
    entry.reason ?? entry.outcome ?? '',
    entry.durationMs === undefined || entry.durationMs === 0 ? '' : `${Math.round(entry.durationMs / 1000)} s`,
    entry.attemptId === undefined ? '' : `attempt ${entry.attemptId}`,
    entry.callId ?? '',
  ];
  return `${entry.at}  ${parts.filter((part) => part !== '').join('  ')}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
