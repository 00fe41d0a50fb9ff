/** A run as a table for people and as a value for programs. */

import type { Finding } from './finding.js';
import type { ChaosReport } from './run.js';
import { storyOf } from './story.js';

/** Exit code of a run that found a breach. */
export const BREACHED = 3;
const SHOWN = 5;

export const breachesOf = (report: { readonly findings: readonly Finding[] }): number =>
  report.findings.reduce((sum, finding) => sum + finding.breaches.length, 0);

/** From this length on a run must have met everything. */
export const FULL_MINUTES = 1;

/** Invariants that looked at nothing though they had to: in a full run each, in a short one those that the schedule had something for. */
export const emptyOf = ({ findings, minutes }: { readonly findings: readonly Finding[]; readonly minutes: number }): string[] =>
  findings
    .filter(({ checked, planned }) => checked === 0 && (planned === true || minutes >= FULL_MINUTES))
    .map(({ promise, name }) => `${promise}: ${name}`);

export const hasFailed = (report: { readonly findings: readonly Finding[]; readonly minutes: number }): boolean =>
  breachesOf(report) > 0 || emptyOf(report).length > 0;

/** The invariants, then where they did not hold. */
export const tableOf = (findings: readonly Finding[]): string => {
  const width = Math.max(...findings.map((finding) => finding.name.length));
  const lines = [
    `${'invariant'.padEnd(width + 13)} ${'checked'.padStart(8)} ${'breaches'.padStart(8)}`,
    ...findings.map(
      ({ promise, name, checked, breaches }) =>
        `${promise.padEnd(11)} ${name.padEnd(width + 1)} ${String(checked).padStart(8)} ${String(breaches.length).padStart(8)}${checked === 0 ? '  not exercised' : ''}`,
    ),
  ];
  for (const { promise, name, breaches } of findings.filter((finding) => finding.breaches.length > 0)) {
    lines.push('', `${promise}: ${name}`, ...breaches.slice(0, SHOWN).map((breach) => `  ${breach.text}`));
    if (breaches.length > SHOWN) lines.push(`  and ${breaches.length - SHOWN} more`);
  }
  return lines.join('\n');
};

export const describe = (report: ChaosReport): string => {
  const { seed, seconds, dials, jobs, statuses, faults, findings, evidence } = report;
  const ends = Object.entries(statuses).map(([name, count]) => `${name} ${count}`);
  const lines = [
    `seed ${seed}: ${jobs} jobs, ${dials} dials, ${seconds} s; jobs ended ${ends.join(', ')}`,
    '',
    'faults injected',
    ...Object.entries(faults)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `  ${name.padEnd(36)} ${String(count).padStart(6)}`),
    '',
    tableOf(findings),
    '',
    ...emptyOf(report).map((what) => `nothing was looked at for ${what}: that proves nothing`),
    `breaches: ${breachesOf(report)} (the witness was late by ${evidence.witnessLagMs} ms at most)`,
  ];
  const told = findings.flatMap((finding) => finding.breaches).find((breach) => breach.job !== undefined)?.job;
  if (told !== undefined) lines.push('', ...storyOf(told, evidence));
  return lines.join('\n');
};

/** Without the evidence, which is in the files beside it. */
export const asJson = (report: ChaosReport): string => {
  const { evidence, ...rest } = report;
  return `${JSON.stringify({ ...rest, breaches: breachesOf(report), witnessLagMs: evidence.witnessLagMs }, null, 2)}\n`;
};
