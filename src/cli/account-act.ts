/** What operators do to accounts, in the units SpeechAI shows: dollars and minutes. */
import { randomBytes } from 'node:crypto';
import type { Account } from '../domain/account.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { isCountry } from '../domain/phones.js';
import { readAccount } from '../domain/read-account.js';
import { accountZone } from '../domain/zones.js';
import { TOP_UP_TYPE, type TopUp } from '../store/account-admin.js';
import { readAmount } from '../import/amounts.js';
import { accountAdmin, accountOrExit, asJson, dateOrExit, figuresOf } from './account-view.js';
import { untilCertain } from './certainty.js';
import { print, printJson, say } from './output.js';
import type { Session } from './session.js';
import { count } from './settings.js';

export interface CreateAccountOptions {
  readonly id?: string;
  readonly plan: string;
  readonly country: string;
  readonly timezone?: string;
  readonly maxConcurrent: number;
  readonly dailyLimit: number;
  readonly expires?: string;
  readonly json?: boolean;
}

export interface TopUpOptions {
  readonly unit?: 'dollars' | 'minutes';
  readonly type: 'topup' | 'bonus' | 'refund' | 'penalty';
  readonly ref?: string;
  readonly note?: string;
  readonly json?: boolean;
}

export interface StatusOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

export async function createAccount(session: Session, name: string, options: CreateAccountOptions): Promise<ExitCode> {
  if (name.trim() === '') {
    throw new SpeechAiError('ACCOUNT_NAME', 'An account needs a name.', {
      remedy: "Give one in quotes: speechai account create 'Retail Express'.",
      exitCode: EXIT.usage,
    });
  }
  if (!isCountry(options.country)) {
    throw new SpeechAiError('COUNTRY', `"${options.country.slice(0, 20)}" is no country that telephone numbers are known of.`, {
      remedy: 'Give CL, AR or another of the two letters of ISO 3166.',
      exitCode: EXIT.usage,
    });
  }
  const now = session.store.time.now();
  const base = {
    account_id: options.id ?? `acc-${randomBytes(6).toString('hex')}`,
    account_name: name,
    plan_type: options.plan,
    status: 'active',
    minutes_purchased: 0,
    minutes_used: 0,
    minutes_reserved: 0,
    credit_balance: 0,
    credit_used: 0,
    credit_reserved: 0,
    cost_per_minute: 0.15,
    cost_per_call_setup: 0.02,
    cost_failed_call: 0.01,
    max_concurrent_calls: options.maxConcurrent,
    daily_call_limit: options.dailyLimit,
    calls_today: 0,
    country: options.country.toUpperCase(),
    timezone: options.timezone ?? null,
    contact_name: null,
    contact_email: null,
    contact_phone: null,
    features: null,
    settings: null,
    created_at: now,
    updated_at: now,
    last_topup_at: null,
    created_by: session.by,
  };
  const zone = accountZone(readAccount(base), session.policy).name;
  const doc = { ...base, expires_at: options.expires === undefined ? null : dateOrExit('--expires', options.expires, zone) };
  const { problems, id } = readAccount(doc);
  if (problems.length > 0) {
    throw new SpeechAiError('ACCOUNT_UNREADABLE', `Nothing was created: ${problems.join('; ')}.`, {
      remedy: 'Correct the options.',
      exitCode: EXIT.usage,
    });
  }
  if ((await accountAdmin(session).create(doc)) === 'exists') {
    throw new SpeechAiError('ACCOUNT_EXISTS', `There is an account ${id} already.`, { remedy: 'Choose another --id, or leave it out.' });
  }
  if (options.json === true) printJson(asJson(session, { ...doc, _id: id }, null));
  else print(id);
  say(
    `${id} may have ${count(options.maxConcurrent, 'call')} at once and ${String(options.dailyLimit)} a day (\`speechai account set ${id} max_concurrent_calls=N daily_call_limit=N\` changes it).`,
  );
  if (options.plan !== 'unlimited') say(`${id} has nothing to spend yet: speechai account topup ${id} AMOUNT`);
  return EXIT.ok;
}

const MOST = 10_000_000;

export async function topUpAccount(session: Session, ref: string, written: string, options: TopUpOptions): Promise<ExitCode> {
  const { account } = await accountOrExit(session, ref);
  const amount = amountOrExit(written);
  const field = fieldOf(account, options.unit);
  const sign = options.type === 'penalty' ? -1 : 1;
  const id = `txn_${options.ref === undefined ? randomBytes(8).toString('hex') : `${account.id}:${options.ref}`}`;
  const type = options.type === 'topup' ? TOP_UP_TYPE[field] : options.type;
  const topUp: TopUp = { id, type, field, amount: sign * amount };
  const added = await bookOnce(session, account.id, topUp, options);
  const { account: after } = await accountOrExit(session, ref);
  const ledger = (await session.store.ledgers.read([account.id])).get(account.id) ?? null;
  const figures = figuresOf(session, after, ledger);
  if (options.json === true)
    printJson({
      account_id: account.id,
      transaction_id: id,
      booked: added,
      amount: topUp.amount,
      unit: unitOf(field),
      ...figures,
    });
  const free = field === 'credit_balance' ? `$${String(figures.credit_free)}` : count(figures.minutes_free, 'minute');
  say(
    added
      ? `${account.id}: ${sign < 0 ? '-' : '+'}${String(amount)} ${unitOf(field)}; ${free} are free now.`
      : `${account.id}: ${options.ref ?? id} was booked before; nothing was added.`,
  );
  return EXIT.ok;
}

/**
 * The balance first, then the line of the statement: a command that died in between is completed by its repetition, from what the account
 * remembers and not from what the repetition says. False: all of it was there.
 */
async function bookOnce(session: Session, account: string, topUp: TopUp, options: TopUpOptions): Promise<boolean> {
  const admin = accountAdmin(session);
  const line = options.ref === undefined ? null : await admin.booking(topUp.id);
  const asked = movementOf(account, topUp, options, session);
  if (line !== null) {
    if (line.type !== asked.type || line.amount !== asked.amount || line.costCents !== asked.costCents)
      throw refTaken(options.ref ?? topUp.id, line.amount, line.type);
    return false;
  }
  const done = await admin.topUp(account, topUp);
  if (done.kind === 'gone')
    throw new SpeechAiError('NO_SUCH_ACCOUNT', `The account ${account} was deleted meanwhile.`, { remedy: 'Nothing was booked.' });
  const { booked } = done;
  const same = booked === null || (booked.type === topUp.type && booked.field === topUp.field && booked.amount === topUp.amount);
  const first = booked === null ? asked : movementOf(account, booked, same ? options : { ...options, note: null }, session, booked.at);
  await session.store.books.book(first);
  if (!same) throw refTaken(options.ref ?? topUp.id, first.amount, first.type);
  return done.kind === 'added';
}

function refTaken(ref: string, amount: number, type: string): SpeechAiError {
  return new SpeechAiError('REF_TAKEN', `${ref} was booked before, as ${type} of ${String(amount)}; nothing was changed.`, {
    remedy: 'Use another --ref for another booking; a wrong one is taken back with --type penalty and a --ref of its own.',
  });
}

/** As an import reads amounts. What could be thousands or thousandths is asked back: it is money. */
function amountOrExit(written: string): number {
  const doubtful = /^[1-9]\d{0,2}[.,]\d{3}$/.test(written);
  const reading = readAmount(written);
  const amount = /^\d+\.\d{1,6}$/.test(written) ? Number(written) : reading.kind === 'amount' ? reading.value : Number.NaN;
  if (!doubtful && amount > 0 && amount <= MOST) return amount;
  const why = doubtful ? 'could be thousands or a fraction' : `is not an amount above 0 and up to ${String(MOST)}`;
  throw new SpeechAiError('AMOUNT', `"${written.slice(0, 40)}" ${why}.`, {
    remedy: 'Write it as 50, 12.5 or 1.234,50, in dollars or minutes.',
    exitCode: EXIT.usage,
  });
}

const unitOf = (field: TopUp['field']): string => (field === 'credit_balance' ? 'dollars' : 'minutes');

function fieldOf(account: Account, unit: TopUpOptions['unit']): TopUp['field'] {
  if (unit !== undefined) return unit === 'dollars' ? 'credit_balance' : 'minutes_purchased';
  if (account.plan === 'credit_based') return 'credit_balance';
  if (account.plan === 'minutes_based') return 'minutes_purchased';
  throw new SpeechAiError(
    'UNIT_NEEDED',
    `${account.id} has ${account.plan === null ? 'no plan that is known' : 'an unlimited plan'}, so the amount could be dollars or minutes.`,
    {
      remedy: 'Add --unit dollars or --unit minutes.',
      exitCode: EXIT.usage,
    },
  );
}

type Booking = Pick<TopUpOptions, 'ref'> & { readonly note?: string | null };

function movementOf(account: string, topUp: TopUp, options: Booking, session: Session, at = session.store.time.now()) {
  const kind = topUp.type.startsWith('topup') ? 'topup' : topUp.type;
  return {
    id: topUp.id,
    account,
    type: topUp.type,
    amount: topUp.amount,
    costCents: topUp.field === 'credit_balance' ? Math.round(topUp.amount * 100) : 0,
    description: options.note ?? `${kind} of ${String(Math.abs(topUp.amount))} ${unitOf(topUp.field)} by ${session.by}`,
    reference: options.ref ?? null,
    first: at,
  };
}

export async function setAccountStatus(
  session: Session,
  ref: string,
  status: 'suspended' | 'active',
  options: StatusOptions,
): Promise<ExitCode> {
  const { account } = await accountOrExit(session, ref);
  if ((await accountAdmin(session).setStatus(account.id, status, session.by, options.reason ?? null)) === 0) {
    throw new SpeechAiError('NO_SUCH_ACCOUNT', `The account ${account.id} was deleted meanwhile.`, {
      remedy: '`speechai account list` shows what is there.',
    });
  }
  // The same last look reads the account and the batch: what holds for a paused batch holds here.
  if (status === 'suspended') await untilCertain(session);
  if (options.json === true) printJson({ account_id: account.id, status, was: account.status });
  say(status === 'suspended' ? `${account.id} is suspended: no further call of it can be placed by anyone.` : `${account.id} is active.`);
  return EXIT.ok;
}
