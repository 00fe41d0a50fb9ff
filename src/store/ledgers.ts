/**
 * `account_ledgers`: what we used and hold, one document per account, ours alone (a replaced account must not erase it). The hold is the
 * marker of an unpaid call: charging is one update that removes it and adds what was used, so it happens once (P5). Integers only.
 */
import type { Document } from 'mongodb';
import type { Account, Ledger } from '../domain/account.js';
import type { Count, Estimate } from '../domain/decision.js';
import { isOfInstallation } from '../domain/limits.js';
import { pictureOf } from '../domain/picture.js';
import { readAccount } from '../domain/read-account.js';
import type { AttemptCost } from './attempt.js';
import type { Connection } from './connection.js';
import {
  addUp,
  affordable,
  belowCaps,
  holdOf,
  INSTALLATION,
  LEDGER_FIELDS,
  ledgerOf,
  ledgersOf,
  onePerAttempt,
  sum,
  tightest,
  type HoldAsk,
} from './ledger-parts.js';
import { createTogether } from './together.js';
import { duplicateOf, type WriteResult, type Writer } from './writer.js';

interface ChargeAsk {
  readonly attempt: string;
  readonly cost: AttemptCost;
}

const TICK_MS = 1;
const KEPT_DAYS = 9;
const NO_MONEY: Account = readAccount({ account_id: INSTALLATION, plan_type: 'unlimited', status: 'active' });
const FREE: AttemptCost = { micros: 0, ms: 0, final: true };
const shared = (counts: readonly Count[]): Count[] => counts.filter(({ key }) => isOfInstallation(key));
const own = (counts: readonly Count[]): Count[] => counts.filter(({ key }) => !isOfInstallation(key));

export interface Ledgers {
  hold(account: Account, attempt: string, estimate: Estimate, counts: readonly Count[]): Promise<'held' | 'refused'>;
  /** For a stray: what happened is booked whether or not there was money for it. */
  holdAnyway(account: string, attempt: string, estimate: Estimate): Promise<void>;
  charge(account: string, attempt: string, cost: AttemptCost, counts?: readonly Count[]): Promise<WriteResult>;
  cancel(account: string, attempt: string, counts: readonly Count[]): Promise<WriteResult>;
  read(accounts: readonly string[]): Promise<Map<string, Ledger & { version: number }>>;
  holds(account: string): Promise<string[]>;
  allHolds(): Promise<Map<string, string[]>>;
  project(account: string, today: string): Promise<boolean>;
}

export function createLedgers(connection: Connection, writer: Writer): Ledgers {
  const ledgers = connection.collection('ledgers');
  const accounts = connection.collection('accounts');
  const write = (filter: Document, update: Document | Document[], upsert = false): Promise<WriteResult> =>
    writer.write({ collection: 'ledgers', filter, update, upsert });

  /** It opens from what the account says was used. A rival that opens it at the same moment wrote the same. */
  async function open(account: Account): Promise<void> {
    try {
      await ledgers.insertOne({
        _id: account.id,
        used_micros: account.creditUsedMicros,
        used_ms: account.minutesUsedMs,
        held_micros: 0,
        held_ms: 0,
        holds: {},
        counts: {},
        version: 1,
      });
    } catch (error) {
      if (duplicateOf(error) === null) throw error;
    }
  }

  /** Zero matches: held already (a lost reply), or refused. */
  async function holdOne({ account, attempt, estimate, counts }: HoldAsk): Promise<'held' | 'refused'> {
    for (let tries = 0; tries < 2; tries += 1) {
      if ((await writeHolds(account, [{ account, attempt, estimate, counts }])).matched > 0) return 'held';
      const found = await ledgers.findOne({ _id: account.id }, { projection: { [`holds.${attempt}`]: 1 } });
      if (found === null) await open(account);
      else if (holdOf(found, attempt) !== undefined) return 'held';
      // A ledger that another job opened between the write and the look refused nothing: the second try tells.
    }
    return 'refused';
  }

  /** All of these or none: money test, caps test and holds in one update of one document (P4). */
  function writeHolds(account: Account, asks: readonly HoldAsk[]): Promise<WriteResult> {
    const estimate = { micros: sum(asks, (ask) => ask.estimate.micros), ms: sum(asks, (ask) => ask.estimate.ms) };
    const counts = addUp(asks.flatMap((ask) => ask.counts));
    return write(
      {
        _id: account.id,
        ...Object.fromEntries(asks.map((ask) => [`holds.${ask.attempt}`, { $exists: false }])),
        $expr: { $and: [...affordable(account, estimate), ...belowCaps(counts)] },
      },
      {
        $set: Object.fromEntries(asks.map((ask) => [`holds.${ask.attempt}`, { micros: ask.estimate.micros, ms: ask.estimate.ms }])),
        $inc: {
          held_micros: estimate.micros,
          held_ms: estimate.ms,
          version: 1,
          ...Object.fromEntries(counts.map(({ key, n }) => [`counts.${key}`, n])),
        },
      },
    );
  }

  /** A busy account's document is written once for many calls: rewriting it for each was the dearest step of the whole protocol. */
  const hold = createTogether<HoldAsk, 'held' | 'refused'>(async (_, asks) => {
    const [first] = asks;
    if (first === undefined) return [];
    // One attempt that asks twice has one hold: counted twice, what is held would never come down to zero again.
    const distinct = onePerAttempt(asks);
    if (distinct.length > 1 && (await writeHolds(tightest(distinct), distinct)).matched > 0) return asks.map(() => 'held');
    const answers: ('held' | 'refused')[] = [];
    for (const ask of asks) answers.push(await holdOne(ask));
    return answers;
  }, TICK_MS);

  function writeFinals(account: string, asks: readonly ChargeAsk[]): Promise<WriteResult> {
    const held = (field: string): Document => ({ $add: asks.map((ask) => `$holds.${ask.attempt}.${field}`) });
    return write({ _id: account, ...Object.fromEntries(asks.map((ask) => [`holds.${ask.attempt}`, { $exists: true }])) }, [
      {
        $set: {
          used_micros: { $add: ['$used_micros', sum(asks, (ask) => ask.cost.micros)] },
          used_ms: { $add: ['$used_ms', sum(asks, (ask) => ask.cost.ms)] },
          held_micros: { $subtract: ['$held_micros', held('micros')] },
          held_ms: { $subtract: ['$held_ms', held('ms')] },
          version: { $add: ['$version', 1] },
        },
      },
      { $unset: asks.map((ask) => `holds.${ask.attempt}`) },
    ]);
  }

  /** Counters of days long gone would make the document larger with every day of its life. */
  async function forgetDays(account: string, counts: Ledger['counts'], today: string): Promise<void> {
    const before = new Date(Date.parse(today) - KEPT_DAYS * 86_400_000).toISOString().slice(0, 10);
    const old = Object.keys(counts).filter((key) => key.slice(-10) < before);
    if (old.length > 0) await write({ _id: account }, { $unset: Object.fromEntries(old.map((key) => [`counts.${key}`, ''])) });
  }

  const chargeFinal = createTogether<ChargeAsk, WriteResult>(async (account, asks) => {
    const distinct = onePerAttempt(asks);
    if (distinct.length > 1) {
      const all = await writeFinals(account, distinct);
      if (all.matched > 0) return asks.map((ask) => (distinct.includes(ask) ? all : { matched: 0, upserted: false }));
    }
    const answers: WriteResult[] = [];
    for (const ask of asks) answers.push(await writeFinals(account, [ask]));
    return answers;
  }, TICK_MS);

  async function chargeIn(account: string, attempt: string, cost: AttemptCost): Promise<WriteResult> {
    if (cost.final) return chargeFinal(account, { attempt, cost });
    const held = `$holds.${attempt}`;
    // What is held becomes what the call seems to have cost, so that nobody spends it twice meanwhile.
    return write({ _id: account, [`holds.${attempt}`]: { $exists: true } }, [
      {
        $set: {
          held_micros: { $add: ['$held_micros', { $subtract: [cost.micros, `${held}.micros`] }] },
          held_ms: { $add: ['$held_ms', { $subtract: [cost.ms, `${held}.ms`] }] },
          [`holds.${attempt}`]: { micros: cost.micros, ms: cost.ms, provisional: true },
          version: { $add: ['$version', 1] },
        },
      },
    ]);
  }

  async function cancelIn(account: string, attempt: string, counts: readonly Count[]): Promise<WriteResult> {
    const held = `$holds.${attempt}`;
    const back = counts.map((count) => [`counts.${count.key}`, { $subtract: [{ $ifNull: [`$counts.${count.key}`, 1] }, 1] }]);
    return write({ _id: account, [`holds.${attempt}`]: { $exists: true } }, [
      {
        $set: {
          held_micros: { $subtract: ['$held_micros', `${held}.micros`] },
          held_ms: { $subtract: ['$held_ms', `${held}.ms`] },
          version: { $add: ['$version', 1] },
          ...(Object.fromEntries(back) as Document),
        },
      },
      { $unset: `holds.${attempt}` },
    ]);
  }

  return {
    /** Step 4, _id index. The account's first, so that its ledger is there for whoever asks why the installation's refused. */
    hold: async (account, attempt, estimate, counts) => {
      const answer = await hold(account.id, { account, attempt, estimate, counts: own(counts) });
      if (answer === 'refused' || shared(counts).length === 0) return answer;
      const all = await hold(INSTALLATION, { account: NO_MONEY, attempt, estimate: { micros: 0, ms: 0 }, counts: shared(counts) });
      if (all === 'refused') await cancelIn(account.id, attempt, own(counts));
      return all;
    },

    holdAnyway: async (account, attempt, estimate) => {
      const hold = (): Promise<WriteResult> =>
        write(
          { _id: account, [`holds.${attempt}`]: { $exists: false }, charged_strays: { $ne: attempt } },
          {
            $set: { [`holds.${attempt}`]: { micros: estimate.micros, ms: estimate.ms } },
            $inc: { held_micros: estimate.micros, held_ms: estimate.ms, version: 1 },
            $push: { charged_strays: { $each: [attempt], $slice: -1000 } },
          },
        );
      if ((await hold()).matched > 0) return;
      // The first call ever booked to the account may be one the old worker left behind: without a ledger it would cost nothing.
      if ((await ledgers.findOne({ _id: account }, { projection: { _id: 1 } })) === null)
        await open(readAccount({ ...(await accounts.findOne({ account_id: account })), account_id: account }));
      // In any case: another may have opened it since the first try. One that is held or charged already is not held again.
      await hold();
    },

    /** Step 9, charge. Zero matches: charged before. A provisional cost stays in the hold until it is final. */
    charge: async (account, attempt, cost, counts = []) => {
      if (account === INSTALLATION) return chargeFinal(INSTALLATION, { attempt, cost: FREE });
      const result = await chargeIn(account, attempt, cost);
      // Counted it stays; the hold was only there so that it is counted once.
      if (shared(counts).length > 0) await chargeFinal(INSTALLATION, { attempt, cost: FREE });
      return result;
    },

    /** VOID. Zero matches: there was no hold, or it was given back before. */
    cancel: async (account, attempt, counts) => {
      if (account !== INSTALLATION && shared(counts).length > 0) await cancelIn(INSTALLATION, attempt, shared(counts));
      return cancelIn(account, attempt, account === INSTALLATION ? shared(counts) : own(counts));
    },

    read: async (ids) => {
      if (ids.length === 0) return new Map();
      return ledgersOf(await ledgers.find({ _id: { $in: [...ids, INSTALLATION] } }, { projection: LEDGER_FIELDS }).toArray());
    },

    holds: async (account) => {
      const found = await ledgers.findOne({ _id: account }, { projection: { holds: 1 } });
      return found === null ? [] : Object.keys((found['holds'] ?? {}) as object);
    },
    /** By account, of all that have any. No index: ledgers are as few as accounts, and it is one question however many there are. */
    allHolds: async () => {
      const found = await ledgers.find({ holds: { $gt: {} } }, { projection: { holds: 1 } }).toArray();
      return new Map(found.map((doc) => [String(doc._id), Object.keys((doc['holds'] ?? {}) as object)]));
    },

    /**
     * `accounts.credit_used` and its like are a picture of the ledger: written absolutely, never behind a newer one, and again when a
     * rival's stale whole-document write undid it. Zero matches: a newer picture is there, or the account is gone.
     */
    project: async (account, today) => {
      const [doc, shown] = await Promise.all([
        ledgers.findOne({ _id: account }, { projection: LEDGER_FIELDS }),
        accounts.findOne({ account_id: account }, { projection: { plan_type: 1 } }),
      ]);
      if (doc === null || shown === null) return false;
      const ledger = ledgerOf(doc);
      await forgetDays(account, ledger.counts, today);
      const picture = { ...pictureOf(readAccount(shown).plan, ledger, `a:${today}`), ledger_version: ledger.version };
      const differs = Object.entries(picture).map(([key, value]) => ({ [key]: { $ne: value } }));
      const result = await accounts.updateOne(
        { account_id: account, ledger_version: { $not: { $gt: ledger.version } }, $or: differs },
        { $set: picture },
      );
      return result.matchedCount > 0;
    },
  };
}
