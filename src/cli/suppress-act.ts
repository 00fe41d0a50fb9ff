/** `suppress add|remove|list|check`: numbers are asked for by their hash, and shown masked. */
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { personsOf } from '../domain/job.js';
import { readAccount } from '../domain/read-account.js';
import { readNumbers } from '../import/numbers.js';
import { alsoId, entryId, expiryOf, whoIs, whoMayBe, type Who } from '../domain/suppression-entry.js';
import { createSuppressionAdmin, type Entry, type StoredEntry, type SuppressionQuery } from '../store/suppression-admin.js';
import { batchOrExit } from './batch-view.js';
import { confirm, printJson, printTable, say } from './output.js';
import { accountOrExit } from './account-view.js';
import type { Session } from './session.js';
import { count } from './settings.js';

export interface ScopeOptions {
  readonly account?: string;
  readonly batch?: string;
  readonly country?: string;
}

export interface AddOptions extends ScopeOptions {
  readonly reason: string;
  readonly evidence?: string;
  readonly expires?: string;
  readonly json?: boolean;
}

export interface RemoveOptions extends ScopeOptions {
  readonly id: readonly string[];
  readonly reason?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export interface FindOptions extends ScopeOptions {
  readonly ended?: boolean;
  readonly limit?: number;
  readonly json?: boolean;
}

export const suppressionAdmin = (session: Session) => createSuppressionAdmin(session.store.connection);

export interface Scope {
  readonly account: string | null;
  readonly batch: string | null;
  readonly country: string | null;
}

/** A scope that does not exist would block nobody, and look as if it did. */
export async function scopeOrExit(session: Session, { account, batch, country }: ScopeOptions): Promise<Scope> {
  const [doc] = account === undefined ? [] : await session.store.campaigns.accounts([account]);
  if (account !== undefined && doc === undefined) {
    throw new SpeechAiError('NO_SUCH_ACCOUNT', `There is no account ${account}.`, { remedy: '`speechai account list` shows them.' });
  }
  const batchDoc = batch === undefined ? null : await batchOrExit(session, batch);
  return {
    account: account ?? null,
    batch: batchDoc === null ? null : String(batchDoc['batch_id'] ?? batch),
    country: country?.toUpperCase() ?? (doc === undefined ? null : readAccount(doc).country),
  };
}

function whoOrExit(written: string, country: string | null): Who {
  const who = whoIs(written, country);
  if (who !== null) return who;
  throw notUnderstood(written, country);
}

/** Where somebody means a number, the reason that an import of it would give. */
function notUnderstood(written: string, country: string | null): SpeechAiError {
  const [why] = /^[+(\d][\d\s().\-/]{5,}$/.test(written.trim()) ? readNumbers(written, 'any', country ?? '').problems : [];
  if (why !== undefined && (country !== null || written.trim().startsWith('+'))) {
    return new SpeechAiError(
      'WHO',
      `"${written.slice(0, 20)}" is no telephone number${country === null ? '' : ` in ${country}`}: ${why}.`,
      {
        remedy: 'Look at its digits; internationally it begins with + and its country (+56911112222). RUTs have their dash (12345678-5).',
        exitCode: EXIT.usage,
      },
    );
  }
  return new SpeechAiError('WHO', `"${written.slice(0, 20)}" is neither a telephone number nor a RUT or DNI.`, {
    remedy: 'Write numbers internationally (+56911112222) and RUTs with their dash (12345678-5), or add --country CL.',
    exitCode: EXIT.usage,
  });
}

export function expiryOrExit(session: Session, written: string | undefined): Date | null {
  if (written === undefined) return null;
  const now = session.store.time.now();
  const read = expiryOf(written, now, session.policy.defaultTimezone);
  if (read !== null && read > now) return read;
  throw new SpeechAiError('EXPIRES', `--expires: "${written.slice(0, 40)}" is not a time in the future.`, {
    remedy: 'Write 30d, 12h or a date like 2027-01-31 or 31-01-2027.',
    exitCode: EXIT.usage,
  });
}

/** One entry for each id that the words may stand for. */
export function entriesFor(who: Who, scope: Scope, more: Pick<Entry, 'reason' | 'evidence' | 'expiresAt' | 'by'>): readonly Entry[] {
  const { account, batch } = scope;
  const entry = ({ line, person, masked }: Who, id: string): Entry => ({ line, person, masked, ...more, account, batch, id });
  return [entry(who, entryId(who, account, batch)), ...who.also.map((other) => entry(other, alsoId(who, other, account, batch)))];
}

export async function addSuppressions(session: Session, words: readonly string[], options: AddOptions): Promise<ExitCode> {
  if (words.length === 0) throw nobody();
  const scope = await scopeOrExit(session, options);
  const expiresAt = expiryOrExit(session, options.expires);
  const { reason, evidence = null } = options;
  const whos = words.map((word) => whoOrExit(word, scope.country));
  const entries = whos.flatMap((who) => entriesFor(who, scope, { reason, evidence, expiresAt, by: session.by }));
  const { added, renewed } = await suppressionAdmin(session).put(entries);
  if (options.json === true)
    printJson({
      added,
      renewed,
      entries: entries.map(({ id, masked, line }) => ({ id, kind: line === null ? 'person' : 'phone', who: masked })),
    });
  for (const { masked, warning, also } of whos) {
    say(`${masked} is not called any more${scopeText(scope)}${expiresAt === null ? '' : ` until ${expiresAt.toISOString()}`}.`);
    if (warning !== null)
      say(`  ${masked}: ${warning}; ${also.length > 0 ? 'blocked as written and with that digit' : 'blocked all the same'}.`);
  }
  return EXIT.ok;
}

export async function removeSuppressions(session: Session, words: readonly string[], options: RemoveOptions): Promise<ExitCode> {
  if (words.length === 0 && options.id.length === 0) throw nobody();
  const scope = await scopeOrExit(session, options);
  const admin = suppressionAdmin(session);
  const found: StoredEntry[] = [];
  for (const id of options.id) {
    const entry = await admin.byId(id);
    if (entry === null)
      throw new SpeechAiError('NO_SUCH_SUPPRESSION', `There is no entry ${id}.`, { remedy: '`speechai suppress list` shows them.' });
    found.push(entry);
  }
  if (words.length > 0) {
    const whos = words.map((word) => whoOrExit(word, scope.country));
    found.push(...(await inForce(session, whos, scope)).filter((entry) => whos.some((who) => ends(who, entry))));
  }
  if (found.length === 0) {
    throw new SpeechAiError('NOT_SUPPRESSED', 'Nothing is in force for them there.', {
      remedy: '`speechai suppress list --ended` shows what once was.',
    });
  }
  const theirs = found.filter((entry) => entry.id.startsWith('attempt:')).length;
  const asked = theirs === 0 ? '' : ` ${String(theirs)} of them because the person asked for it in a call.`;
  if (
    !(await confirm(`${count(found.length, 'entry', 'entries')} would be ended.${asked} Let them be called again?`, {
      yes: options.yes === true,
    }))
  ) {
    say('Nothing was changed.');
    return EXIT.failed;
  }
  const ended = await admin.end(
    found.map(({ id }) => id),
    session.by,
    options.reason ?? null,
  );
  if (options.json === true) printJson({ ended, ids: found.map(({ id }) => id) });
  say(`Ended: ${String(ended)}.`);
  return EXIT.ok;
}

export async function listSuppressions(session: Session, { account, batch, ended, limit = 100, json }: FindOptions): Promise<ExitCode> {
  const query: SuppressionQuery = {
    ...(account === undefined ? {} : { account }),
    ...(batch === undefined ? {} : { batch }),
    ...(ended === true ? { ended } : {}),
  };
  const entries = await gather(suppressionAdmin(session).find(query, limit));
  if (entries.length === 0 && account !== undefined) await accountOrExit(session, account);
  await show(entries, json === true, 'No entries match.');
  if (entries.length === limit) say(`${String(limit)} are shown; --limit shows more.`);
  return EXIT.ok;
}

export async function checkSuppressions(session: Session, words: readonly string[], options: FindOptions): Promise<ExitCode> {
  const scope = await scopeOrExit(session, options);
  const whos = words.flatMap((word) => {
    const all = whoMayBe(word, scope.country);
    if (all.length === 0) throw notUnderstood(word, scope.country);
    return all;
  });
  const entries = (await inForce(session, whos, scope)).filter((entry) => whos.some((who) => isAbout(who, entry)));
  for (const { masked, warning } of whos) if (warning !== null) say(`${masked}: ${warning}.`);
  await show(entries, options.json === true, null);
  say(entries.length === 0 ? 'Not blocked.' : 'Blocked.');
  return entries.length === 0 ? EXIT.ok : EXIT.found;
}

/** Whoever has the right check digit was blocked with the wrong one, and may be blocked for himself as well: that stays. */
function ends(who: Who, entry: StoredEntry): boolean {
  const own = who.line === null ? isPerson(who, entry) : entry.line === who.line;
  return own || who.also.some((other) => entry.id === alsoId(who, other, entry.account, entry.batch));
}

/** Of a wrong check digit, what is blocked is the id as it is written; whoever has the right one is another person. */
const isPerson = (who: Who, entry: StoredEntry): boolean => entry.person !== null && personsOf(who).includes(entry.person);

const isAbout = (who: Who, entry: StoredEntry): boolean => who.warning === null || isPerson(who, entry);

/** Of the whole installation and, where a scope is given, of no other account or batch. */
async function inForce(session: Session, whos: readonly Who[], scope: Scope): Promise<readonly StoredEntry[]> {
  const all = whos.flatMap((who) => [who, ...who.also]);
  const query = { lines: all.flatMap(({ line }) => line ?? []), persons: all.flatMap(personsOf) };
  const entries = await gather(suppressionAdmin(session).find(query, 1_000));
  const concerns = (own: string | null, asked: string | null): boolean => asked === null || own === null || own === asked;
  return entries.filter((entry) => concerns(entry.account, scope.account) && concerns(entry.batch, scope.batch));
}

async function gather<T>(from: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of from) all.push(one);
  return all;
}

async function show(entries: readonly StoredEntry[], json: boolean, none: string | null): Promise<void> {
  if (json) {
    printJson(
      entries.map((entry) => ({
        id: entry.id,
        kind: entry.line === null ? 'person' : 'phone',
        who: entry.masked,
        account_id: entry.account,
        batch_id: entry.batch,
        reason: entry.reason,
        evidence: entry.evidence,
        expires_at: entry.expiresAt,
        created_by: entry.by,
        created_at: entry.createdAt,
      })),
    );
    return;
  }
  const rows = entries.map((entry) => [
    entry.id,
    entry.masked ?? `${entry.line === null ? 'person' : 'line'} ${(entry.line ?? entry.person ?? '').slice(0, 8)}`,
    [entry.account, entry.batch].filter((part) => part !== null).join(' ') || 'everywhere',
    entry.reason,
    entry.evidence ?? '',
    entry.expiresAt?.toISOString() ?? 'never',
    entry.createdAt?.toISOString() ?? '',
  ]);
  await printTable(['id', 'who', 'scope', 'reason', 'evidence', 'expires', 'since'], rows, none ?? undefined);
}

function scopeText({ account, batch }: Scope): string {
  if (account === null && batch === null) return '';
  return ` for ${[account, batch].filter((part) => part !== null).join(' and ')}`;
}

function nobody(): SpeechAiError {
  return new SpeechAiError('WHO', 'Nobody was named.', {
    remedy: 'Give telephone numbers or RUTs, e.g. +56911112222.',
    exitCode: EXIT.usage,
  });
}
