/** Documents that nobody would write on purpose, and private data in every place: the daemon lives, good jobs end well, nothing leaks (P7, P8). */

import { BSON, Binary, Decimal128, Long, MaxKey, MinKey, ObjectId } from 'mongodb';
import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { API_KEY, phoneThat, withWorld } from '../support/world.js';

const deep = (levels: number): Document => Array.from({ length: levels }).reduce<Document>((inner) => ({ inner }), { end: true });
const past = new Date('2026-01-01T00:00:00Z');
const soon = new Date(Date.now() + 1_000);
let people = 100;
const good = (): Document => {
  people += 1;
  return { name: 'Ildefonso Paillalef', dni: `16.111.${people}-3`, phones: [phoneThat('900')], next_phone_index: 0 };
};

/** Jobs that cannot be dialled as they are. */
const BROKEN: readonly Document[] = [
  { contact: 'a text' },
  { contact: 42 },
  { contact: [] },
  { contact: null },
  {},
  { contact: { phones: 'no number' } },
  { contact: { phones: 17 } },
  { contact: { phones: {} } },
  { contact: { phones: [] } },
  { contact: { phones: [null, {}, [], 5, true, new ObjectId()] } },
  { contact: { phones: ['+56912', '$where', '../..', ''] } },
  { contact: deep(80) },
  { contact: { phones: deep(80) } },
  { contact: { phones: [deep(60)], next_phone_index: { $gt: 1 } } },
  { contact: new Binary(Buffer.from('contact')) },
  { contact: { ...good(), phones: Array.from({ length: 20_000 }, () => 'x') } },
  // Longer than the provider takes.
  { contact: good(), job_id: 'j'.repeat(60_000) },
  { contact: good(), account_id: null },
  { contact: good(), account_id: 17 },
  { contact: good(), account_id: { deep: 1 } },
  { contact: good(), account_id: 'acc-nobody' },
  { contact: good(), batch_id: 'batch-nobody' },
  { contact: good(), status: 17 },
  { contact: good(), status: null },
  { contact: good(), status: 'dormant' },
  { contact: 'x', status: 'in_progress', lease_token: { not: 'a token' }, reserved_until: past },
];

/** Odd, but what is needed to dial them is there. */
const ODD: readonly Document[] = [
  { attempts: 1e300 },
  { attempts: Number.POSITIVE_INFINITY, max_attempts: '3' },
  { contact: good(), status: 'in_progress', reserved_until: 'long ago', started_at: 'once' },
  { contact: good(), status: 'in_progress', reserved_until: [past, soon], worker_id: { $ne: 1 } },
  { contact: good(), status: 'in_progress', reserved_until: null, call_id: { id: 17 }, call_started_at: deep(20) },
  { next_phone_index: 99 },
  { job_id: 'flat', contact: 'Ildefonso Paillalef', to_number: phoneThat('900') },
  { contact: { ...good(), next_phone_index: -1 } },
  { contact: { ...good(), next_phone_index: 'second' } },
  { contact: { ...good(), dni: ['1', '2'], name: { first: 'x' } } },
  { contact: { ...good(), name: 'x'.repeat(300_000) } },
  { attempts: 'none', max_attempts: 'many' },
  { attempts: null, max_attempts: [] },
  { attempts: [1], transient_calls: 'x', rescues: {}, bad_lines: 'x', refusals: 'three' },
  { attempts: '1', max_attempts: '0' },
  { reserved_until: [past, soon] },
  { reserved_until: '2026-01-01' },
  { reserved_until: { $date: 1 } },
  { reserved_until: Number.NaN },
  { reserved_until: true },
  { reserved_until: new MinKey() },
  { next_try_at: 'tomorrow' },
  { next_try_at: [past] },
  { lease_token: 'left over', worker_id: 17, started_at: false },
  { payload: 'a text' },
  { payload: deep(80) },
  { payload: { 'a.b': 1, $set: { status: 'done' }, __proto__: 5, debt_amount: Decimal128.fromString('12.5'), 'x y': [deep(5)] } },
  { payload: Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`key_${n}`, `value ${n}`])) },
  { call_result: 'a text', last_error: { code: 5 }, suspend_reason: [] },
  { cancel_requested: null, suspend_requested: false, is_calling: 'yes' },
  { cancel_requested: false, suspend_requested: 'false', contact: { phones: [phoneThat('930'), phoneThat('900')] } },
  { created_at: 'yesterday', updated_at: 5, tags: deep(50) },
  { job_id: null },
  { job_id: { $gt: '' } },
  { job_id: `job of +56987654321 and ${API_KEY}` },
  { queue: {}, timezone: 'Mars/Olympus', country: 17 },
  { _id: null },
  { _id: true },
  { _id: { a: { b: [1] } } },
  { _id: new Binary(Buffer.from('an id')) },
  { _id: Decimal128.fromString('1.5') },
  { _id: Long.fromString('9007199254740993') },
  { _id: new MaxKey() },
  { _id: past },
  { _id: 'id with $ and . and \u0000'.replace('\u0000', '\u0001') },
];

/** Each with one good job, which must wait, and be told why. */
const CLOSED_BATCHES: readonly Document[] = [
  { call_settings: 'not json' },
  { call_settings: [1, 2] },
  { call_settings: { allowed_hours: 'always' } },
  { call_settings: { allowed_hours: { start: '25:00', end: 'x' } } },
  { call_settings: { timezone: 'Nowhere/Land' } },
  { call_settings: { max_attempts: {} } },
  { call_settings: deep(60), state: 17 },
  { state: { $ne: 'paused' } },
  { rules: 'no-such-pack' },
  { start_at: 'soon' },
];
const CLOSED_ACCOUNTS: readonly Document[] = [
  { plan_type: 17 },
  { plan_type: 'platinum' },
  { credit_balance: 'lots' },
  { credit_balance: deep(10) },
  { status: null },
  { country: 'Atlantis' },
  { expires_at: 'never' },
  { cost_per_minute: -1 },
];

it('P2, P7: a job filled to the last byte, first in its batch, is failed, and those behind it are called', { timeout: 90_000 }, () =>
  withWorld('full', { env: { WORKER_COUNT: '1' } }, async (world) => {
    await world.account();
    await world.batch();
    const own = { _id: 'full', job_id: 'full', account_id: 'acc-1', batch_id: 'batch-1', status: 'pending', contact: good(), filler: '' };
    const room = 16 * 1024 * 1024 - BSON.calculateObjectSize(own);
    const jobs = world.db.collection<Document & { _id: unknown }>('jobs');
    await jobs.insertOne({ ...own, filler: 'x'.repeat(room) });
    const ids = await world.jobs([{}, {}]);
    const daemon = await world.daemon();
    await daemon.line((line) => line['alert'] === 'JOB_FULL' && line['level'] === 'error', 'it said so');
    await world.dialled(ids.length);
    await world.quiet(false);
    expect(await jobs.findOne({ job_id: 'full' }, { projection: { status: 1 } })).toMatchObject({ status: 'failed' });
    expect((await daemon.stop()).code).toBe(0);
  }),
);

it('P7, P8: hostile documents among good ones', { timeout: 90_000 }, () =>
  withWorld('hostile', { env: { WORKER_COUNT: '20', LOG_LEVEL: 'TRACE' } }, async (world) => {
    const jobs = world.db.collection<Document>('jobs');
    const pending = { account_id: 'acc-1', batch_id: 'batch-1', status: 'pending', attempts: 0 };
    for (const secret of ['Ildefonso Paillalef', '16.111.', '+56987654321', '56987654321']) world.secret(secret);
    await world.account();
    await world.batch();
    await world.batch();
    const broken = await jobs.insertMany(BROKEN.map((fields, n) => ({ job_id: `broken-${n}`, ...pending, ...fields })));
    const oddJobs = ODD.map((fields, n): Document => ({ _id: `odd-${n}`, job_id: `odd-${n}`, ...pending, contact: good(), ...fields }));
    const odd = await world.db.collection<{ _id: unknown }>('jobs').insertMany(oddJobs.map((job) => ({ ...job, _id: job['_id'] })));
    for (const [n, fields] of CLOSED_BATCHES.entries()) {
      await world.batch({ batch_id: `closed-batch-${n}`, ...fields });
      await jobs.insertOne({ ...pending, job_id: `closed-${n}`, batch_id: `closed-batch-${n}`, contact: good() });
    }
    for (const [n, fields] of CLOSED_ACCOUNTS.entries()) {
      await world.account({ account_id: `acc-closed-${n}`, ...fields });
      await world.batch({ batch_id: `closed-account-${n}`, account_id: `acc-closed-${n}` });
      await jobs.insertOne({
        ...pending,
        job_id: `unpaid-${n}`,
        batch_id: `closed-account-${n}`,
        account_id: `acc-closed-${n}`,
        contact: good(),
      });
    }
    for (const fields of [{ batch_id: null }, { batch_id: 17 }, { batch_id: deep(3) }, { account_id: [] }, { is_active: 'yes' }]) {
      await world.batch({ batch_id: `odd-batch-${Object.keys(fields)[0]}`, ...fields });
    }
    await world.db.collection<Document>('accounts').insertMany([{ account_id: null }, { account_id: { $ne: 1 } }, {}]);
    await world.jobs(Array.from({ length: 20 }, () => ({})));

    const daemon = await world.daemon();
    const says = (job: Document): boolean => typeof job['last_error'] === 'string' && job['last_error'] !== '';
    const isSaid = async (job: Document): Promise<boolean> =>
      says(job) ||
      typeof (await world.db.collection('batches').findOne({ batch_id: String(job['batch_id']) }))?.['blocked_reason'] === 'string';
    const unsaid = async (): Promise<string[]> => {
      const all = await jobs.find({ status: { $in: ['pending', 'in_progress', 'scheduled'] } }).toArray();
      const told = await Promise.all(all.map(isSaid));
      return all.filter((_, n) => told[n] !== true).map((job) => `${String(job['job_id']).slice(0, 40)} is ${job['status']}`);
    };
    await eventually(
      unsaid,
      (left) => (left.length === 0 ? null : `${left.length} neither finished nor told why: ${left.join(', ')}`),
      60_000,
    );
    await world.quiet(false);
    expect(daemon.hasEnded()).toBe(false);
    const ending = await daemon.stop();

    expect(ending.code).toBe(0);
    expect(daemon.output()).not.toMatch(/unhandled|uncaught/i);
    expect(daemon.lines().filter((line) => line['level'] === 'fatal')).toEqual([]);
    const all = await jobs.find({}).toArray();
    // What is compared is short, so that a failure can be read.
    const those = (which: (job: Document) => boolean): string[] =>
      all
        .filter(which)
        .map(
          (job) => `${String(job['job_id']).slice(0, 30)}: ${job['status']} (${job['suspend_reason'] ?? ''}) ${job['last_error'] ?? ''}`,
        );
    const among =
      (ids: object) =>
      (job: Document): boolean =>
        Object.values(ids).some((id) => JSON.stringify(id) === JSON.stringify(job['_id']));
    const isDone = (job: Document): boolean => job['status'] === 'done';
    const waits = (job: Document): boolean => job['status'] === 'pending' || job['suspend_reason'] === 'no_credit';
    expect(those((job) => /^job-\d+$/.test(String(job['job_id'])) && !isDone(job))).toEqual([]);
    expect(those((job) => among(odd.insertedIds)(job) && !isDone(job))).toEqual([]);
    expect(those((job) => among(broken.insertedIds)(job) && isDone(job))).toEqual([]);
    expect(those((job) => /^(closed|unpaid)-/.test(String(job['job_id'])) && !waits(job))).toEqual([]);
    expect(all.find((job) => job['job_id'] === 'flat')?.['contact'], 'what others wrote stays').toBe('Ildefonso Paillalef');
    // Set aside once each, not again and again.
    const aside = daemon
      .lines()
      .filter((line) => line['event'] === 'set_aside')
      .map((line) => line['job_id']);
    expect(aside.length).toBe(new Set(aside).size);
    expect(aside.length).toBeGreaterThan(3);
    expect(world.simulator.check()).toEqual([]);
    expect(world.leaks()).toEqual([]);
  }),
);

it('P8: the search for private texts finds them where there are any', () =>
  expect(
    withWorld('leak', {}, async (world) => {
      world.secret('nothing is dialled for batches');
      world.secret('logging starts');
      await (
        await world.daemon()
      ).ready;
    }),
  ).rejects.toThrow(/P8: the daemons wrote 1 private texts/));
