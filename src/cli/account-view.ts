/** An account as people look at it: balances in dollars and minutes, why it is closed, and what moved. */
import type { Account, Ledger } from '../domain/account.js';
import { momentIn, type Edge } from '../domain/moments.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { accountDayKey } from '../domain/limits.js';
import { balance } from '../domain/money.js';
import { readAccount } from '../domain/read-account.js';
import { accountZone } from '../domain/zones.js';
import { createAccountAdmin, type StatementLine } from '../store/account-admin.js';
import type { AnyDocument } from '../store/connection.js';
import { print, printJson, printTable, say } from './output.js';
import type { Session } from './session.js';

export interface StatementOptions {
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export const accountAdmin = (session: Session) => createAccountAdmin(session.store.connection);

export async function accountOrExit(session: Session, ref: string): Promise<{ readonly doc: AnyDocument; readonly account: Account }> {
  const doc = await accountAdmin(session).find(ref);
  if (doc !== null) return { doc, account: readAccount(doc) };
  throw new SpeechAiError('NO_SUCH_ACCOUNT', `There is no account ${ref}.`, {
    remedy: 'Give its account_id or its _id; `speechai account list` shows them.',
  });
}

/** To SpeechAI's four decimals: more is noise of floats. */
const round = (value: number): number => Math.round(value * 10_000) / 10_000;

export function figuresOf(session: Session, account: Account, ledger: Ledger | null) {
  const { free } = balance(account, ledger, null);
  const day = accountDayKey(session.store.time.now(), accountZone(account, session.policy).name);
  return {
    credit_balance: round(account.creditBalanceMicros / 1e6),
    credit_used: round((ledger?.usedMicros ?? account.creditUsedMicros) / 1e6),
    credit_held: round((ledger?.heldMicros ?? 0) / 1e6),
    credit_free: round(free.micros / 1e6),
    minutes_purchased: round(account.minutesPurchasedMs / 60_000),
    minutes_used: round((ledger?.usedMs ?? account.minutesUsedMs) / 60_000),
    minutes_held: round((ledger?.heldMs ?? 0) / 60_000),
    minutes_free: round(free.ms / 60_000),
    calls_today: ledger === null ? 0 : (ledger.counts[day] ?? 0),
  };
}

/** Why nothing would be dialled for it, without looking at any batch. */
function closedBecause(session: Session, account: Account, ledger: Ledger | null): readonly string[] {
  const { free } = balance(account, ledger, null);
  const { expiresAt } = account;
  return [
    ...account.problems,
    ...(account.plan === null ? ['the plan is not known'] : []),
    ...(account.status === 'active' ? [] : [`its status is "${account.status}"`]),
    ...(expiresAt !== null && expiresAt <= session.store.time.now() ? [`it expired at ${expiresAt.toISOString()}`] : []),
    ...(account.plan === 'credit_based' && free.micros < account.tariff.setupMicros + account.tariff.perMinuteMicros
      ? ['no credit for one minute is free']
      : []),
    ...(account.plan === 'minutes_based' && free.ms < 60_000 ? ['not one minute is free'] : []),
    ...(account.dailyCallLimit !== null && figuresOf(session, account, ledger).calls_today >= account.dailyCallLimit
      ? [`its ${String(account.dailyCallLimit)} calls of today are used up (speechai account set ${account.id} daily_call_limit=N)`]
      : []),
  ];
}

/** What a plan does not pay with has no balance: figures of calls made under it say nothing. */
function figuresOfPlan(session: Session, account: Account, ledger: Ledger | null): Record<string, number> {
  const other = account.plan === 'credit_based' ? 'minutes_' : account.plan === 'minutes_based' ? 'credit_' : null;
  const all = Object.entries(figuresOf(session, account, ledger));
  // An unlimited plan has used both, and owes neither.
  const applies = (key: string): boolean =>
    other === null ? account.plan === null || !/_(?:balance|purchased|free)$/.test(key) : !key.startsWith(other);
  return Object.fromEntries(all.filter(([key]) => applies(key)));
}

export function asJson(session: Session, doc: AnyDocument, ledger: Ledger | null): Record<string, unknown> {
  const account = readAccount(doc);
  return {
    account_id: account.id,
    name: account.name,
    plan: account.plan,
    status: account.status,
    status_reason: doc['status_reason'] ?? null,
    country: account.country,
    timezone: accountZone(account, session.policy).name,
    expires_at: account.expiresAt,
    max_concurrent_calls: account.maxConcurrentCalls,
    daily_call_limit: account.dailyCallLimit,
    ...figuresOfPlan(session, account, ledger),
    closed_because: closedBecause(session, account, ledger),
  };
}

export async function listAccounts(session: Session, limit: number, json: boolean): Promise<void> {
  const docs = await accountAdmin(session).list(limit);
  const ledgers = await session.store.ledgers.read(docs.map((doc) => readAccount(doc).id));
  if (json) {
    printJson(docs.map((doc) => asJson(session, doc, ledgers.get(readAccount(doc).id) ?? null)));
    return;
  }
  const rows = docs.map((doc) => {
    const account = readAccount(doc);
    const ledger = ledgers.get(account.id) ?? null;
    const figures = figuresOf(session, account, ledger);
    const left =
      account.plan === 'minutes_based'
        ? `${String(figures.minutes_free)} min`
        : account.plan === 'credit_based'
          ? `$${String(figures.credit_free)}`
          : '';
    const held =
      account.plan === 'minutes_based'
        ? `${String(figures.minutes_held)} min`
        : account.plan === 'credit_based'
          ? `$${String(figures.credit_held)}`
          : '';
    return [
      account.id,
      account.name,
      account.plan ?? 'unknown',
      account.status,
      left,
      held,
      String(figures.calls_today),
      closedBecause(session, account, ledger).join('; '),
    ];
  });
  await printTable(
    ['account', 'name', 'plan', 'status', 'free', 'held', 'calls today', 'closed because'],
    rows,
    'There are no accounts; `speechai account create` makes one.',
  );
}

export async function showAccount(session: Session, ref: string, json: boolean): Promise<void> {
  const { doc, account } = await accountOrExit(session, ref);
  const [ledgers, batches] = await Promise.all([session.store.ledgers.read([account.id]), accountAdmin(session).batches(account.id)]);
  const data: Record<string, unknown> = {
    ...asJson(session, doc, ledgers.get(account.id) ?? null),
    batches: batches.all,
    active_batches: batches.active,
  };
  if (json) {
    printJson(data);
    return;
  }
  for (const [key, value] of Object.entries(data)) {
    if (Array.isArray(value)) for (const one of value) print(`${key.padEnd(20)} ${String(one)}`);
    else if (value !== null && value !== '')
      print(`${key.padEnd(20)} ${value instanceof Date ? value.toISOString() : JSON.stringify(value).replaceAll('"', '')}`);
  }
}

export async function accountStatement(session: Session, ref: string, options: StatementOptions): Promise<ExitCode> {
  const { account } = await accountOrExit(session, ref);
  const zone = accountZone(account, session.policy).name;
  const since = options.since === undefined ? null : dateOrExit('--since', options.since, zone);
  const until = options.until === undefined ? null : dateOrExit('--until', options.until, zone, 'is over');
  const lines: StatementLine[] = [];
  for await (const line of accountAdmin(session).statement(account.id, since, until, options.limit)) lines.push(line);
  if (options.json === true) {
    printJson(
      lines.map(({ id, at, type, amount, costCents, description, reference }) => ({
        transaction_id: id,
        created_at: at,
        type,
        amount,
        cost_cents: costCents,
        description,
        reference_id: reference,
      })),
    );
    return EXIT.ok;
  }
  const rows = lines.map((line) => [
    line.at?.toISOString() ?? '',
    line.type,
    String(round(line.amount)),
    line.reference ?? '',
    line.description,
  ]);
  await printTable(['when', 'type', 'amount', 'reference', 'description'], rows, 'Nothing was booked in that time.');
  if (lines.length === options.limit) say(`The newest ${String(options.limit)} are shown; --limit shows more.`);
  return EXIT.ok;
}

export function dateOrExit(option: string, written: string, zone: string, edge: Edge = 'begins'): Date {
  const read = momentIn(written, zone, edge);
  if (read !== null) return read;
  throw new SpeechAiError('DATE', `${option}: "${written.slice(0, 40)}" is not a valid date.`, {
    remedy: 'Write it as 2026-11-23, 23-11-2026 or 2026-11-23T09:00.',
    exitCode: EXIT.usage,
  });
}
