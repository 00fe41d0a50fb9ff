/**
 * The board: which batches may dial now, and why the others may not. Read again every BATCH_REFRESH_SECONDS for the whole process;
 * it only saves work, since what it says is decided again on fresh reading before any call.
 */
import type { Account, Ledger } from '../domain/account.js';
import type { Batch } from '../domain/batch.js';
import { batchGates } from '../domain/decide.js';
import type { DialPlan, Reason } from '../domain/decision.js';
import { messageOf } from '../domain/errors.js';
import { accountDayKey } from '../domain/limits.js';
import { estimate, unopened, withCall } from '../domain/money.js';
import { isPainted } from '../domain/picture.js';
import { readAccount } from '../domain/read-account.js';
import { impliedBatch, MOST_CONTACT_ZONES, readBatch } from '../domain/read-batch.js';
import { accountZone, batchZone } from '../domain/zones.js';
import { createCallers, type Callers } from './callers.js';
import type { Mark } from '../domain/ports.js';
import type { Context } from './context.js';

/** A batch that may dial, as the claims desk sees it. */
export interface Group {
  readonly batch: Batch;
  /** null: jobs without a batch, whose accounts are only known when they are claimed. */
  readonly account: Account | null;
  /** Where its own hours are over, but not those of contacts in other zones: why it is closed for all others. Only jobs with a date are theirs. */
  readonly closedAtHome?: readonly Reason[];
}

export interface ClosedBatch {
  readonly batch: Batch;
  readonly account: Account | 'missing';
  readonly reasons: readonly Reason[];
}

export interface Board {
  refresh(): Promise<void>;
  /** Refreshes when what is known is older than BATCH_REFRESH_SECONDS. */
  fresh(): Promise<void>;
  /** What it says of a batch or its money was found to be wrong: both are read again when it is next asked. */
  outdated(): void;
  /** There is work: money is looked at as often as batches again. */
  worked(): void;
  groups(): readonly Group[];
  closed(): readonly ClosedBatch[];
  /** A contact of the batch has a zone of its own. */
  met(batch: Batch, zone: string): void;
  batch(id: string | null, account: string | null): Batch | 'missing';
  /** Of a call under way: its rules hold whether or not it may still be dialled. null: the batch is gone. */
  batchOf(of: { readonly batch: string | null; readonly account: string | null }): Promise<Batch | null>;
  account(id: string | null): Account | 'missing';
  ledger(id: string | null): Ledger | null;
  /** A call is on its way: until the ledger is read again, what it asks for counts as taken, or many would be begun for money that pays for one. */
  begun(account: string | null, plan: Pick<DialPlan, 'estimate' | 'counts'>): void;
  /** How our own numbers fared lately. */
  readonly callers: Callers;
  /** Local numbers are read by it. An account met for the first time (jobs without a batch) is looked up and stays on the board. */
  countryOf(account: string): Promise<string | null>;
  /** Whether an account that ran out could pay for a call now, read afresh. */
  canPay(account: string): Promise<boolean>;
  /** Accounts whose picture in `accounts` differs from their ledger. */
  staleAccounts(): readonly string[];
}

const QUIET_AFTER_MS = 10_000;
const QUIET_FACTOR = 8;

export function createBoard(cx: Context): Board {
  const callers = createCallers(cx);
  let batches = new Map<string, Batch>();
  let accounts = new Map<string, Account>();
  let ledgers = new Map<string, Ledger>();
  let open: Group[] = [];
  let shut: ClosedBatch[] = [];
  let stale: string[] = [];
  let read = { at: cx.clock.mark(), ever: false };
  let money = { at: cx.clock.mark(), ever: false };
  let missing = new Set<string>();
  let lastWork: Mark | null = null;
  let running: Promise<void> | null = null;
  let foundWrong = 0;
  const telling = new Set<string>();

  async function load(): Promise<void> {
    const mark = cx.clock.mark();
    const wrongBefore = foundWrong;
    const docs = await cx.store.campaigns.activeBatches();
    const next = docs.map(readBatch).filter((batch) => batch.id !== null);
    // Accounts seen in claimed jobs without a batch stay on the board, so that their ledgers stay fresh too.
    const wanted = new Set([...accounts.keys(), ...next.flatMap((batch) => (batch.account === null ? [] : [batch.account]))]);
    if (moneyIsOld(wanted)) {
      await loadAccounts([...wanted]);
      money = { at: mark, ever: foundWrong === wrongBefore };
      await callers.refresh([...cx.policy.fromNumbers, ...[...next, ...accounts.values()].flatMap(({ fromNumbers }) => fromNumbers)]);
    }
    batches = new Map(next.map((batch) => [batch.id ?? '', batch]));
    judge(next);
    // What was found to be wrong meanwhile may have been read before it changed.
    read = { at: mark, ever: foundWrong === wrongBefore };
  }

  /** With nothing to dial, accounts and caller numbers are asked for less often than batches; whoever waits for money is looked at as often. */
  function moneyIsOld(wanted: ReadonlySet<string>): boolean {
    if (!money.ever || [...wanted].some((id) => !accounts.has(id) && !missing.has(id))) return true;
    const waiting = shut.some(({ reasons }) => reasons.some(({ code }) => code === 'CREDIT_HELD' || code === 'NO_CREDIT'));
    const busy = lastWork !== null && cx.clock.elapsedMs(lastWork) < QUIET_AFTER_MS;
    return cx.clock.elapsedMs(money.at) >= (waiting || busy ? cx.timing.batchRefreshMs : cx.timing.batchRefreshMs * QUIET_FACTOR);
  }

  async function loadAccounts(ids: readonly string[]): Promise<void> {
    const [docs, books] = await Promise.all([cx.store.campaigns.accounts(ids), cx.store.ledgers.read(ids)]);
    accounts = new Map(docs.map((doc) => [String(doc['account_id']), readAccount(doc)]));
    ledgers = new Map(books);
    missing = new Set(ids.filter((id) => !accounts.has(id)));
    stale = [...accounts.values()].flatMap((account) => {
      const ledger = books.get(account.id);
      if (ledger === undefined) return [];
      const today = accountDayKey(cx.store.time.now(), accountZone(account, cx.policy).name);
      return isPainted(account, ledger, today) ? [] : [account.id];
    });
  }

  function judge(list: readonly Batch[]): void {
    const now = cx.store.time.now();
    open = [];
    shut = [];
    for (const batch of list) {
      const account = batch.account === null ? 'missing' : (accounts.get(batch.account) ?? 'missing');
      const ledger = batch.account === null ? null : (ledgers.get(batch.account) ?? null);
      const gates = (zones: readonly string[]): readonly Reason[] =>
        batchGates(batch, account, ledger, now, cx.policy, cx.packs, zones, callers.uses());
      const reasons = gates([]);
      const group = { batch, account: account === 'missing' ? null : account };
      if (reasons.length === 0) open.push(group);
      else if (batch.contactZones.length > 0 && gates(batch.contactZones).length === 0) open.push({ ...group, closedAtHome: reasons });
      else shut.push({ batch, account, reasons });
    }
    open.push({ batch: impliedBatch(null), account: null });
  }

  /** Kept on the batch: the next daemon and the other ones open it in time, too. */
  async function keep(id: string, zone: string): Promise<void> {
    const key = `${id} ${zone}`;
    if (telling.has(key)) return;
    telling.add(key);
    try {
      await cx.store.campaigns.metZone(id, zone);
    } catch (error) {
      cx.log.debug('a zone of a contact could not be kept; the next contact in it tells it again', {
        batch_id: id,
        error: messageOf(error),
      });
    } finally {
      telling.delete(key);
    }
  }

  function refresh(): Promise<void> {
    running ??= load().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    refresh,
    worked: () => {
      lastWork = cx.clock.mark();
    },
    outdated: () => {
      foundWrong += 1;
      read = { ...read, ever: false };
      money = { ...money, ever: false };
    },
    fresh: () => (read.ever && cx.clock.elapsedMs(read.at) < cx.timing.batchRefreshMs ? Promise.resolve() : refresh()),
    groups: () => open,
    closed: () => shut,
    met: (batch, zone) => {
      const { id, account, contactZones } = batch;
      if (id === null || contactZones.includes(zone) || contactZones.length >= MOST_CONTACT_ZONES) return;
      const own = batchZone(batch, account === null ? 'missing' : (accounts.get(account) ?? 'missing'), cx.policy);
      if (zone !== own.name) void keep(id, zone);
    },
    batch: (id, account) => (id === null ? impliedBatch(account) : (batches.get(id) ?? 'missing')),
    batchOf: async ({ batch: id, account }) => {
      if (id === null) return impliedBatch(account);
      const known = batches.get(id);
      if (known !== undefined) return known;
      const [doc] = await cx.store.campaigns.batches([id]);
      return doc === undefined ? null : readBatch(doc);
    },
    account: (id) => (id === null ? 'missing' : (accounts.get(id) ?? 'missing')),
    ledger: (id) => (id === null ? null : (ledgers.get(id) ?? null)),
    begun: (id, plan) => {
      const account = id === null ? undefined : accounts.get(id);
      if (account !== undefined) ledgers.set(account.id, withCall(ledgers.get(account.id) ?? unopened(account), plan));
    },
    countryOf: async (id) => {
      if (!accounts.has(id)) {
        const [[doc], books] = await Promise.all([cx.store.campaigns.accounts([id]), cx.store.ledgers.read([id])]);
        if (doc === undefined) return null;
        accounts.set(id, readAccount(doc));
        for (const [key, ledger] of books) ledgers.set(key, ledger);
      }
      return accounts.get(id)?.country ?? null;
    },
    canPay: async (id) => {
      const [[doc], books] = await Promise.all([cx.store.campaigns.accounts([id]), cx.store.ledgers.read([id])]);
      if (doc === undefined) return false;
      return estimate(readAccount(doc), books.get(id) ?? null, null, cx.policy, cx.policy.maxDurationMs).kind === 'ok';
    },
    staleAccounts: () => stale,
    callers,
  };
}
