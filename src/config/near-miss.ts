/** Names that look like ours and are not: a slip in a name would otherwise be a setting silently not set. */
import { ALIASES } from './aliases.js';
import { complain } from './complain.js';
import type { Problem } from './problem.js';
import { ENTRIES } from './schema.js';
import type { Layer } from './layer.js';

/** Parts of other systems that share an environment with us. Nothing of theirs is our business. */
const FOREIGN =
  /^(?:CELERY|JWT|REDIS|SECRET_KEY|API_|VITE_|GOOGLE_|ACCESS_TOKEN|REFRESH_TOKEN|DOCKER_|WEBHOOK_|FLOWER_|RABBITMQ_|POSTGRES|MYSQL|TWILIO_|OPENAI_|AWS_|AZURE_|SENTRY_|NODE_|NPM_|npm_|NVM_|MONGOMS_|MONGO_INITDB_|CORS_|UVICORN_|GUNICORN_|PYTHON|VIRTUAL_ENV|KUBERNETES_|XDG_|LC_|GIT_|SSH_|CI_|GITHUB_|VITEST|TEST_)/;

/** Read by other parts of the program, or meant for a part this one does not have. */
const ALSO_KNOWN = ['DEFAULT_RETRY_GAP', 'CREDENTIALS_DIRECTORY', 'TEST_MONGO_URI'];

const UNIT = /_(?:MS|MILLISECONDS|SECONDS|SECS?|MINUTES|MINS?|HOURS)$/;

const KNOWN: ReadonlySet<string> = new Set([
  ...ENTRIES.flatMap(({ setting }) => [setting.name, `${setting.name}_FILE`]),
  ...ALIASES.map((alias) => alias.name),
  ...ALSO_KNOWN,
]);

/** Short names resemble too much to be worth a remark. */
const SHORTEST = 6;

export function nearMisses(layers: readonly Layer[]): readonly Problem[] {
  const names = new Set(layers.flatMap((layer) => [...layer.keys()]));
  const problems: Problem[] = [];
  for (const name of names) {
    const meant = nearestName(name);
    if (meant === null) continue;
    problems.push(
      complain(name, {
        level: 'warning',
        about: meant,
        message: `${name} is not a setting and is ignored; ${meant} is one.`,
        remedy: `Write ${meant} if that was meant, or remove ${name}.`,
      }),
    );
  }
  return problems;
}

export function nearestName(name: string): string | null {
  if (KNOWN.has(name) || name.length < SHORTEST || name.length > 60 || FOREIGN.test(name)) return null;
  const upper = name.toUpperCase();
  let best: string | null = null;
  let bestDistance = upper.length >= 9 ? 3 : 2;
  for (const { setting } of ENTRIES) {
    if (setting.name.length < SHORTEST) continue;
    const distance =
      sameButForUnit(upper, setting.name) || sameButForEnd(upper, setting.name) ? 1 : editDistance(upper, setting.name, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [setting.name, distance];
  }
  return best;
}

/** RETRY_DELAY_SECONDS for RETRY_DELAY_MINUTES: far in letters, near in meaning, and wrong by a factor of sixty if it were obeyed. */
function sameButForUnit(name: string, known: string): boolean {
  const stem = name.replace(UNIT, '');
  return stem.length >= SHORTEST && stem === known.replace(UNIT, '') && (UNIT.test(name) || UNIT.test(known));
}

/** RETELL_API for RETELL_API_KEY, MONGO_USERNAME for MONGO_USER. */
function sameButForEnd(name: string, known: string): boolean {
  return (
    (name.length >= 8 && known.startsWith(`${name}_`)) ||
    (name.startsWith(known) && /^(?:_?NAME|_?ID|_?URI)$/.test(name.slice(known.length)))
  );
}

/** Insertions, deletions, changes and swaps of neighbours between two names; anything from `limit` on is returned as `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    if (Math.min(...row) >= limit) return limit;
    [beforeLast, last] = [last, row];
  }
  return Math.min(last[b.length] ?? limit, limit);
}
