/** `npm run check`: every static check, all of them even when one fails, so that one run tells everything that is wrong. */
import { spawnSync } from 'node:child_process';
import { exit, stdout } from 'node:process';

interface Verdict {
  readonly ok: boolean;
  readonly text: string;
}

interface Step {
  readonly name: string;
  readonly run: () => Verdict;
}

function command(program: string, ...args: string[]): Verdict {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  return { ok: result.status === 0, text: `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}` };
}

const tool = (name: string, ...args: string[]): Verdict => command(`node_modules/.bin/${name}`, ...args);

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: ReadonlyArray<{ readonly from: string; readonly to: string; readonly rule: { readonly name: string } }>;
  };
}

/** Fails on an empty cruise too: with a compiler it cannot use, the tool finds no module, hence no violation, and says all is well. */
function dependencyRules(): Verdict {
  const raw = command(
    'node_modules/.bin/depcruise',
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'json',
    'src',
    'test',
    'scripts',
  );
  let cruise: Cruise;
  try {
    cruise = JSON.parse(raw.text) as Cruise;
  } catch {
    return { ok: false, text: raw.text };
  }
  const { totalCruised, violations } = cruise.summary;
  const lines = violations.map((violation) => `${violation.rule.name}: ${violation.from} -> ${violation.to}`);
  if (totalCruised === 0) lines.push('no module was looked at, so nothing was proved');
  return { ok: lines.length === 0, text: lines.length === 0 ? `${totalCruised} modules` : lines.join('\n') };
}

const steps: readonly Step[] = [
  { name: 'types', run: () => tool('tsc', '--noEmit', '--pretty', 'false') },
  { name: 'lint', run: () => tool('oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives') },
  { name: 'format', run: () => tool('prettier', '--check', '--log-level', 'warn', '.') },
  { name: 'unused code', run: () => tool('knip', '--no-progress') },
  { name: 'dependency rules', run: dependencyRules },
  { name: 'settings table in docs/settings.md', run: () => command('node', '--import', 'tsx', 'scripts/docs.ts', '--check') },
];

let failed = 0;
for (const step of steps) {
  const startedMs = performance.now();
  const verdict = step.run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (!verdict.ok) failed += 1;
  stdout.write(`${verdict.ok ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)\n`);
  if (!verdict.ok) stdout.write(`${verdict.text.trimEnd()}\n\n`);
}
stdout.write(failed === 0 ? 'All checks passed.\n' : `${failed} of ${steps.length} checks failed.\n`);
exit(failed === 0 ? 0 : 1);
