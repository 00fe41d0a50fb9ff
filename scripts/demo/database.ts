/** The demo's own look into its database: it loads the campaign as SpeechAI's API would, and reads what the daemon made of it. */
import { MongoClient, type Document } from 'mongodb';
import type { Campaign } from './campaign.js';
import { DATABASE } from './settings.js';

export interface Waiting {
  readonly batch: string;
  readonly status: string;
  readonly why: string;
  readonly until: Date | null;
  readonly jobs: number;
}

export interface Picture {
  /** Jobs by batch and status. */
  readonly counts: readonly { readonly batch: string; readonly status: string; readonly jobs: number }[];
  /** Attempts that are placing, live, unknown or not settled to the end. */
  readonly open: number;
}

export interface Books {
  readonly jobs: Picture['counts'];
  readonly waiting: readonly Waiting[];
  readonly accounts: readonly {
    readonly id: string;
    readonly plan: string;
    readonly bought: number;
    readonly usedDollars: number;
    readonly usedMinutes: number;
  }[];
  /** How many jobs had 0, 1, 2... attempts. */
  readonly attempts: readonly number[];
}

export interface DemoDatabase {
  load(campaign: Campaign): Promise<void>;
  picture(): Promise<Picture>;
  books(): Promise<Books>;
  close(): Promise<void>;
}

export async function openDemoDatabase(uri: string): Promise<DemoDatabase> {
  const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 10_000 }).connect();
  const db = client.db(DATABASE);
  const jobs = db.collection('jobs');

  const counts = async (): Promise<Picture['counts']> => {
    const groups = await jobs.aggregate([{ $group: { _id: { batch: '$batch_id', status: '$status' }, jobs: { $sum: 1 } } }]).toArray();
    return groups.map((group) => ({
      batch: textOf(group, '_id', 'batch'),
      status: textOf(group, '_id', 'status'),
      jobs: Number(group['jobs']),
    }));
  };

  return {
    load: async (campaign) => {
      // The folder may hold an earlier demo.
      await db.dropDatabase();
      const now = new Date();
      await db.collection('accounts').insertMany(
        campaign.accounts.map(({ id, name, country, plan, zone, credit }) => ({
          account_id: id,
          account_name: name,
          plan_type: plan,
          status: 'active',
          country,
          timezone: zone,
          created_at: now,
          ...(credit === null ? {} : { credit_balance: credit }),
          ...(plan === 'minutes_based' ? { minutes_purchased: 100_000 } : {}),
        })),
      );
      await db.collection('batches').insertMany(
        campaign.batches.map(({ id, name, account, hours, maxAttempts }) => ({
          batch_id: id,
          name,
          account_id: account,
          is_active: true,
          created_at: now,
          call_settings: {
            max_attempts: maxAttempts,
            ...(hours === null ? {} : { allowed_hours: { start: hours.start, end: hours.end }, timezone: hours.zone }),
          },
        })),
      );
      await jobs.insertMany(
        campaign.jobs.map((job) => ({
          ...job,
          status: 'pending',
          attempts: 0,
          max_attempts: 3,
          reserved_until: null,
          created_at: now,
          updated_at: now,
        })),
      );
    },

    picture: async () => {
      const [found, open] = await Promise.all([
        counts(),
        db.collection('call_attempts').countDocuments({ lease_until: { $exists: true } }),
      ]);
      return { counts: found, open };
    },

    books: async () => {
      const [found, accounts, batches, all] = await Promise.all([
        counts(),
        db.collection('accounts').find().sort({ account_id: 1 }).toArray(),
        db.collection('batches').find().toArray(),
        jobs.find().toArray(),
      ]);
      const blocked = new Map(batches.map((batch) => [textOf(batch, 'batch_id'), textOf(batch, 'blocked_reason')]));
      return { jobs: found, waiting: waitingOf(all, blocked), accounts: accounts.map(accountOf), attempts: histogram(all) };
    },
    close: () => client.close(),
  };
}

function waitingOf(all: readonly Document[], blocked: ReadonlyMap<string, string>): Waiting[] {
  const groups = new Map<string, Waiting>();
  for (const job of all) {
    const status = textOf(job, 'status');
    if (!['pending', 'scheduled', 'in_progress', 'suspended'].includes(status)) continue;
    const batch = textOf(job, 'batch_id');
    const set = textOf(job, 'suspend_reason');
    const why =
      status === 'suspended'
        ? [set, textOf(job, 'last_error')].filter((part) => part !== '').join(': ')
        : (blocked.get(batch) ?? '') || textOf(job, 'last_error');
    const until = job['reserved_until'] instanceof Date ? job['reserved_until'] : null;
    const key = [batch, status, set, status === 'suspended' && set !== 'no_credit' ? why : ''].join('\n');
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { batch, status, why, until, jobs: 1 });
    else
      groups.set(key, {
        ...known,
        jobs: known.jobs + 1,
        until: until !== null && (known.until === null || until < known.until) ? until : known.until,
      });
  }
  return [...groups.values()];
}

function accountOf(doc: Document): Books['accounts'][number] {
  const plan = textOf(doc, 'plan_type');
  const bought = Number(plan === 'credit_based' ? doc['credit_balance'] : (doc['minutes_purchased'] ?? 0));
  return {
    id: textOf(doc, 'account_id'),
    plan,
    bought,
    usedDollars: Number(doc['credit_used'] ?? 0),
    usedMinutes: Number(doc['minutes_used'] ?? 0),
  };
}

function histogram(all: readonly Document[]): number[] {
  const counts: number[] = [];
  for (const job of all) {
    const attempts = Number(job['attempts'] ?? 0);
    while (counts.length <= attempts) counts.push(0);
    counts[attempts] = (counts[attempts] ?? 0) + 1;
  }
  return counts;
}

/** The text at a path of a document, empty where there is none. */
function textOf(doc: Document, ...path: readonly string[]): string {
  let value: unknown = doc;
  for (const key of path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : '';
}
