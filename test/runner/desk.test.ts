/** P4: whose turn it is, over a round that lasts as long as there is work; and what a start is spent on. */

import { setMaxListeners } from 'node:events';
import type { Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDesk, type Desk } from '../../src/runner/desk.js';
import type { Claim } from '../../src/runner/claim.js';
import { createDial } from '../../src/runner/dial.js';
import type { Bucket } from '../../src/retell/bucket.js';
import { inMs, newId, openStoreWorld } from '../store/support.js';
import type { StoreWorld } from '../store/support.js';
import { openRunner, reading, type Runner } from './support.js';

const ALWAYS = { allowed_hours: { start: '00:00', end: '23:59' }, days_of_week: [1, 2, 3, 4, 5, 6, 7] };

/** Starts that are granted by hand. */
const pace = (): Bucket & { grant(count: number): void; returned(): number; waiting(): number } => {
  let [tokens, returned] = [0, 0];
  const waiting: ((taken: boolean) => void)[] = [];
  const serve = (): void => {
    for (; tokens > 0 && waiting.length > 0; tokens -= 1) waiting.shift()?.(true);
  };
  return {
    take: (signal) =>
      new Promise((resolve) => {
        waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(false));
        serve();
      }),
    setRate: () => undefined,
    penalise: () => undefined,
    giveBack: () => {
      returned += 1;
    },
    grant: (count) => {
      tokens += count;
      serve();
    },
    returned: () => returned,
    waiting: () => waiting.length,
  };
};

describe('the desk', () => {
  let world: StoreWorld;
  let people = 0;
  let closing: AbortController;
  const jobs = () => world.database.db.collection<Document & { _id: string }>('jobs');
  const put = (batch: string, count: number, more: Document = {}): Promise<unknown> =>
    jobs().insertMany(
      Array.from({ length: count }, () => ({
        _id: newId(), job_id: `${batch}-${people}`, account_id: 'acc-1', batch_id: batch, status: 'pending', attempts: 0,
        contact: { phones: [`+5691${String((people += 1)).padStart(7, '0')}`], next_phone_index: 0 }, ...more,
      })),
    ); // prettier-ignore

  beforeAll(async () => {
    world = await openStoreWorld();
    const { db } = world.database;
    await db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
    await db
      .collection('batches')
      .insertMany(['large', 'late'].map((id) => ({ batch_id: id, account_id: 'acc-1', is_active: true, call_settings: ALWAYS })));
  });
  beforeEach(async () => {
    closing = new AbortController();
    // Each start that is waited for listens to it.
    setMaxListeners(0, closing.signal);
    await jobs().deleteMany({});
  });
  afterEach(() => closing.abort());
  afterAll(() => world.close());

  const open = (
    mayDial = (): boolean => true,
    late = (): Promise<void> => Promise.resolve(),
  ): { desk: Desk; starts: ReturnType<typeof pace>; runner: Runner; claims(): number } => {
    let asked = 0;
    const claim: typeof world.store.jobs.claim = async (question) => {
      asked += 1;
      const doc = await world.store.jobs.claim(question);
      if (doc !== null) await late();
      return doc;
    };
    const runner = openRunner(
      { ...world.store, jobs: { ...world.store.jobs, claim } },
      {
        timing: { claimPollMs: 30, batchRefreshMs: 30 },
        retell: { place: () => Promise.resolve({ kind: 'placed' as const, call: reading('call', { live: true }) }) },
      },
    );
    const starts = pace();
    const { board, parts } = runner;
    const desk = createDesk(
      { ...runner.cx, breaker: { ...runner.cx.breaker, mayDial }, noMoreClaims: closing.signal },
      {
        board,
        slots: parts.slots,
        crowd: parts.crowd,
        pace: starts,
        releases: parts.releases,
        headroom: { free: () => Promise.resolve(Number.POSITIVE_INFINITY), used: () => undefined },
        retryShare: 0.5,
        mayDial: () => true,
      },
    );
    void desk.run();
    return { desk, starts, runner, claims: () => asked };
  };

  it('asks again where it found nothing once, however long the work elsewhere lasts', async () => {
    await put('large', 200);
    const { desk, starts, runner } = open();
    // More loops than there are starts: the round never ends for want of a loop.
    const given: (Claim | null)[] = [];
    for (let n = 0; n < 120; n += 1) void desk.next().then((claim) => given.push(claim));
    starts.grant(20);
    await expect.poll(() => given.length, { interval: 5, timeout: 10_000 }).toBe(20);
    await put('late', 3);
    await put('large', 3, { attempts: 1, reserved_until: inMs(-1_000) });
    const late = (): number => given.filter((claim) => claim?.job.batch === 'late').length;
    const retries = (): number => given.filter((claim) => claim?.job.attempts === 1).length;
    for (let n = 0; n < 12 && (late() < 3 || retries() < 3); n += 1) {
      await runner.cx.clock.sleep(150);
      starts.grant(5);
      const before = given.length;
      await expect.poll(() => given.length, { interval: 5, timeout: 10_000 }).toBeGreaterThan(before);
    }
    expect({ late: late(), retries: retries() }).toEqual({ late: 3, retries: 3 });
  });

  it('claims nothing for a start that was waited for while the provider came to refuse the account', async () => {
    await put('large', 5);
    let refused = false;
    const { desk, starts, claims } = open(() => !refused);
    void desk.next();
    // It has looked, and waits for its start.
    await expect.poll(() => starts.waiting(), { interval: 5, timeout: 10_000 }).toBe(1);
    refused = true;
    starts.grant(1);
    await expect.poll(() => starts.returned(), { interval: 5, timeout: 10_000 }).toBe(1);
    // Accepted again, the very next start is for the first of them: until then none was touched.
    expect(claims()).toBe(0);
    refused = false;
    starts.grant(1);
    await expect.poll(() => jobs().countDocuments({ status: 'in_progress' }), { interval: 5, timeout: 10_000 }).toBe(1);
    expect(await jobs().countDocuments({ status: 'pending' })).toBe(4);
  });

  it.each([
    ['all attempts made', { attempts: 9, max_attempts: 3 }, 1],
    ['no telephone', { contact: { phones: [], next_phone_index: 0 } }, 1],
    ['an account that does not exist', { account_id: 'nobody' }, 1],
    ['a document that cannot be read', { contact: { phones: 7 } }, 1],
    ['nothing in its way', {}, 0],
  ])('a start is for a call: of a job with %s', async (_, more, returned) => {
    await put('large', 1, more);
    const { desk, starts, runner } = open();
    starts.grant(1);
    const next = desk.next();
    await expect.poll(async () => (await jobs().findOne({}))?.['status'], { interval: 5, timeout: 10_000 }).not.toBe('pending');
    let dialled: unknown = null;
    // A job that cannot be read never comes out: its start is given back at the desk itself.
    void next.then(async (claim) => {
      if (claim !== null) dialled = await createDial({ ...runner.cx, noMoreClaims: closing.signal }, runner.parts)(claim);
    });
    if (returned === 0) {
      await expect.poll(() => dialled, { interval: 5, timeout: 10_000 }).not.toBeNull();
      expect(starts.returned()).toBe(0);
      return;
    }
    await expect.poll(() => starts.returned(), { interval: 5, timeout: 10_000 }).toBe(returned);
    expect(dialled).toBeNull();
  });

  it('P6: a claim that is on its way when the daemon stops is given back, and known to be on its way until then', async () => {
    await put('large', 1);
    let answer = (): void => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const { desk, starts } = open(undefined, () => answered);
    starts.grant(1);
    void desk.next();
    await expect.poll(() => jobs().countDocuments({ status: 'in_progress' }), { interval: 5, timeout: 10_000 }).toBe(1);
    closing.abort();
    expect(desk.claiming()).toBe(1);
    answer();
    await expect.poll(() => desk.claiming(), { interval: 5, timeout: 10_000 }).toBe(0);
    expect(await jobs().findOne({})).toMatchObject({ status: 'pending', attempts: 0 });
  });

  describe('contacts with a time zone of their own', () => {
    const batches = () => world.database.db.collection('batches');
    /** Where the clock shows this hour now, summer and winter. POSIX counts these zones the other way round. */
    const zoneAt = (hour: number): string => {
      const east = ((hour - new Date().getUTCHours() + 36) % 24) - 12;
      return east === 0 ? 'Etc/UTC' : `Etc/GMT${east > 0 ? '-' : '+'}${Math.abs(east)}`;
    };
    const HOME = { ...ALWAYS, timezone: zoneAt(4) };
    const ABROAD = zoneAt(12);
    const person = (zone: string) => ({
      contact: { phones: [`+5691${String((people += 1)).padStart(7, '0')}`], next_phone_index: 0, timezone: zone },
    });
    const known = async (): Promise<unknown> => (await batches().findOne({ batch_id: 'zones' }))?.['contact_zones'];
    const batch = (more: Document): Promise<unknown> =>
      batches().insertOne({ batch_id: 'zones', account_id: 'acc-1', is_active: true, ...more });
    afterEach(() => batches().deleteMany({ batch_id: 'zones' }));

    it('are met at a claim: the batch knows their zones from then on, those of its own zone are none of them', async () => {
      await batch({ call_settings: HOME, contact_zones: 'written by somebody else' });
      await put('zones', 1, person(HOME.timezone));
      await put('zones', 1, person(ABROAD));
      const { desk, starts } = open();
      starts.grant(2);
      await Promise.all([desk.next(), desk.next()]);
      await expect.poll(known, { interval: 5, timeout: 10_000 }).toEqual([ABROAD]);
    });

    it('P2: are claimed in their own hours, while those of the batch are over; the others are left alone', async () => {
      const noon = { allowed_hours: { start: '11:00', end: '14:00' }, days_of_week: [1, 2, 3, 4, 5, 6, 7], timezone: HOME.timezone };
      await batch({ call_settings: noon });
      await put('zones', 3);
      await put('zones', 1, { ...person(ABROAD), reserved_until: inMs(-1_000) });
      const { desk, starts, runner, claims } = open();
      starts.grant(3);
      let given: Claim | null = null;
      void desk.next().then((claim) => (given = claim));
      void desk.next();
      await runner.cx.clock.sleep(150);
      expect({ given, claims: claims() }).toEqual({ given: null, claims: 0 });
      await world.store.campaigns.metZone('zones', ABROAD);
      await expect.poll(() => given?.job.contact.timezone, { interval: 5, timeout: 10_000 }).toBe(ABROAD);
      await runner.cx.clock.sleep(150);
      expect(await jobs().countDocuments({ status: 'pending', reserved_until: { $exists: false } })).toBe(3);
      expect(await jobs().countDocuments({ status: 'in_progress' })).toBe(1);
    });
  });
});
