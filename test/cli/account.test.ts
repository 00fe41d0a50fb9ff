import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as account from '../../src/cli/account-act.js';
import { setAccount } from '../../src/cli/account-edit.js';
import * as view from '../../src/cli/account-view.js';
import type { Session } from '../../src/cli/session.js';
import { EXIT } from '../../src/domain/errors.js';
import { estimate } from '../../src/domain/money.js';
import { readAccount } from '../../src/domain/read-account.js';
import { captured } from '../support/captured.js';
import { openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let session: Session;
let waited: number[] = [];
beforeAll(async () => {
  world = await openTestSession({ DIAL_WITHIN_MS: '1234' });
  const sleep = (ms: number): Promise<void> => Promise.resolve(void waited.push(ms));
  session = { ...world.session, clock: { ...world.session.clock, sleep } };
});
afterAll(() => world.close());
beforeEach(async () => {
  waited = [];
  for (const name of ['accounts', 'transactions', 'account_ledgers', 'batches']) await world.db.collection(name).deleteMany({});
});

const add = async (more: Document = {}): Promise<void> =>
  void (await world.db
    .collection('accounts')
    .insertOne({ account_id: 'acc-1', plan_type: 'credit_based', status: 'active', country: 'CL', credit_balance: 10, ...more }));
const stored = async (id = 'acc-1'): Promise<Document> => (await world.db.collection('accounts').findOne({ account_id: id })) ?? {};
const movements = (): Promise<Document[]> => world.db.collection('transactions').find({}).toArray();
const topUp = (amount: string, more: Partial<account.TopUpOptions> = {}) =>
  captured(() => account.topUpAccount(session, 'acc-1', amount, { type: 'topup', ...more }));
const CREATE = { plan: 'credit_based', country: 'cl', maxConcurrent: 5, dailyLimit: 100 } as const;

describe('account create', () => {
  it('makes an account that readers understand, once', async () => {
    const { out } = await captured(() =>
      account.createAccount(session, 'Retail', { ...CREATE, id: 'n1', expires: '2027-01-01', json: true }),
    );
    expect(JSON.parse(out)).toMatchObject({
      account_id: 'n1',
      plan: 'credit_based',
      status: 'active',
      credit_free: 0,
      closed_because: ['no credit for one minute is free'],
    });
    expect((await captured(() => account.createAccount(session, 'Other', { ...CREATE, id: 'n2' }))).err).toContain(
      'n2 may have 5 calls at once and 100 a day',
    );
    expect(readAccount(await stored('n1'))).toMatchObject({
      problems: [],
      country: 'CL',
      dailyCallLimit: 100,
      expiresAt: new Date('2027-01-01T03:00:00Z'),
    });
    await expect(account.createAccount(session, 'Retail', { ...CREATE, id: 'n1' })).rejects.toMatchObject({ code: 'ACCOUNT_EXISTS' });
  });

  it('needs a name, and a country whose telephone numbers can be read', async () => {
    await expect(account.createAccount(session, ' ', CREATE)).rejects.toMatchObject({ code: 'ACCOUNT_NAME', exitCode: EXIT.usage });
    await expect(account.createAccount(session, 'X', { ...CREATE, country: 'ZZ' })).rejects.toMatchObject({
      code: 'COUNTRY',
      exitCode: EXIT.usage,
      remedy: expect.stringMatching(/CL, AR.*two letters of ISO 3166/) as string,
    });
    await add();
    await expect(setAccount(session, 'acc-1', ['country=ZZ'], {})).rejects.toMatchObject({ code: 'NOT_UNDERSTOOD' });
    expect(await world.db.collection('accounts').countDocuments()).toBe(1);
  });

  it.each([{ timezone: 'Mars/Olympus' }, { country: 'Chili' }, { expires: 'soon' }, { maxConcurrent: 0 }])(
    'refuses %o and writes nothing',
    async (more) => {
      await expect(account.createAccount(session, 'X', { ...CREATE, ...more })).rejects.toMatchObject({ exitCode: EXIT.usage });
      expect(await world.db.collection('accounts').countDocuments()).toBe(0);
    },
  );
});

describe('account topup', () => {
  it('P5: the same reference is booked once, by however many at once', async () => {
    await add();
    await captured(() =>
      Promise.all(Array.from({ length: 20 }, () => account.topUpAccount(session, 'acc-1', '50', { type: 'topup', ref: 'inv-1' }))),
    );
    expect((await stored())['credit_balance']).toBe(60);
    expect(await movements()).toMatchObject([
      { account_id: 'acc-1', type: 'topup_credits', amount: 50, cost: 5000, reference_id: 'inv-1' },
    ]);
  });

  it('different ones are all booked, and floats do not drift', async () => {
    await add({ credit_balance: 0 });
    await captured(() => Promise.all(Array.from({ length: 30 }, () => account.topUpAccount(session, 'acc-1', '0.1', { type: 'topup' }))));
    expect((await stored())['credit_balance']).toBe(3);
    expect(await movements()).toHaveLength(30);
  });

  it('a top-up whose statement line was lost gets it when the command is repeated', async () => {
    await add();
    await topUp('5', { ref: 'inv-2' });
    await world.db.collection('transactions').deleteMany({});
    const { err } = await topUp('5', { ref: 'inv-2' });
    expect(err).toContain('booked before');
    expect((await stored())['credit_balance']).toBe(15);
    expect(await movements()).toHaveLength(1);
  });

  it('P5: the first booking of a reference stands: another amount, kind or unit is an error, and neither books nor rewrites', async () => {
    await add();
    await topUp('50', { ref: 'inv-3', note: 'first' });
    const before = await movements();
    for (const [amount, more] of [
      ['500', {}],
      ['50', { type: 'bonus' }],
      ['50', { unit: 'minutes' }],
    ] as const)
      await expect(topUp(amount, { ref: 'inv-3', ...more })).rejects.toMatchObject({ code: 'REF_TAKEN', exitCode: EXIT.failed });
    await topUp('50,00', { ref: 'inv-3', note: 'second' });
    expect(await movements()).toEqual(before);
    expect((await stored())['credit_balance']).toBe(60);
  });

  it('P5: repeated with another amount after its line was lost, the line is written as it was first meant', async () => {
    await add();
    await topUp('50', { ref: 'inv-4' });
    await world.db.collection('transactions').deleteMany({});
    await expect(topUp('500', { ref: 'inv-4' })).rejects.toMatchObject({ code: 'REF_TAKEN' });
    expect((await stored())['credit_balance']).toBe(60);
    expect(await movements()).toMatchObject([{ amount: 50, cost: 5000, reference_id: 'inv-4', type: 'topup_credits' }]);
  });

  it('P5: a reference is booked once also where the account has forgotten it', async () => {
    await add();
    await topUp('50', { ref: 'inv-5' });
    await world.db.collection('accounts').updateOne({}, { $set: { top_ups: ['txn_acc-1:older'] } });
    expect((await topUp('50', { ref: 'inv-5' })).err).toContain('booked before');
    // Of a version that remembered the id alone.
    await topUp('7', { ref: 'older' });
    expect((await stored())['credit_balance']).toBe(60);
  });

  it.each([
    ['20,5', 20.5],
    ['1.234,50', 1234.5],
    ['$ 1.000.000', 1_000_000],
    ['0.123456', 0.123456],
  ])('reads %s as an import does', async (written, amount) => {
    await add({ credit_balance: 0 });
    await topUp(written);
    expect((await stored())['credit_balance']).toBe(amount);
  });

  it("takes the plan's unit, and changes nothing else of the document", async () => {
    await add({ plan_type: 'minutes_based', minutes_purchased: '100', features: { kept: true }, credit_used: 4 });
    const { out } = await topUp('20', { json: true, note: 'promo $x' });
    expect(JSON.parse(out)).toMatchObject({ unit: 'minutes', amount: 20, minutes_purchased: 120, booked: true });
    expect(await stored()).toMatchObject({ minutes_purchased: 120, credit_balance: 10, credit_used: 4, features: { kept: true } });
    expect(await movements()).toMatchObject([{ type: 'topup_minutes', amount: 20, description: 'promo $x' }]);
    await topUp('3', { unit: 'dollars', type: 'penalty' });
    expect((await stored())['credit_balance']).toBe(7);
    expect((await movements()).at(-1)).toMatchObject({ type: 'penalty', amount: -3, cost: -300 });
  });

  it('makes the account able to pay again', async () => {
    await add({ credit_balance: 0 });
    const can = async (): Promise<string> => estimate(readAccount(await stored()), null, null, session.policy, 60_000).kind;
    expect(await can()).toBe('out');
    await topUp('1');
    expect(await can()).toBe('ok');
  });

  it.each(['0', '-5', '1e9', 'many', '99999999999', '0.0000001', '12,125', '12.125'])('refuses %s', async (amount) => {
    await add();
    await expect(topUp(amount)).rejects.toMatchObject({ code: 'AMOUNT', exitCode: EXIT.usage });
    expect((await stored())['credit_balance']).toBe(10);
  });

  it('asks for the unit where the plan has none', async () => {
    await add({ plan_type: 'unlimited' });
    await expect(topUp('5')).rejects.toMatchObject({ code: 'UNIT_NEEDED' });
    await expect(captured(() => account.topUpAccount(session, 'acc-9', '5', { type: 'topup' }))).rejects.toMatchObject({
      code: 'NO_SUCH_ACCOUNT',
      exitCode: EXIT.failed,
    });
  });
});

describe('account set', () => {
  const change = (words: readonly string[], dryRun = false) => captured(() => setAccount(session, 'acc-1', words, { dryRun }));

  it('shows before and after, writes named fields only, and a dry run nothing', async () => {
    await add({ daily_call_limit: 1000, features: { kept: true } });
    const before = await stored();
    const dry = await change(['daily_call_limit=5000'], true);
    expect([dry.out, dry.err]).toEqual([expect.stringMatching(/daily_call_limit.*1000.*5000/), expect.stringContaining('dry run')]);
    expect(await stored()).toEqual(before);
    await change(['daily_call_limit=5000', 'timezone=America/Punta_Arenas', 'expires_at=01-07-2027']);
    expect(await stored()).toMatchObject({
      daily_call_limit: 5000,
      timezone: 'America/Punta_Arenas',
      expires_at: new Date('2027-07-01T03:00:00Z'),
      edited_by: 'ana@desk',
      credit_balance: 10,
      features: { kept: true },
    });
    expect((await change(['daily_call_limit=5000'])).err).toContain('as it was');
  });

  it.each(['timezone=Mars/Olympus', 'max_concurrent_calls=0', 'plan=unlimited', 'limit=5'])(
    'refuses %s and writes nothing',
    async (word) => {
      await add();
      const before = await stored();
      await expect(change(['daily_call_limit=5', word])).rejects.toMatchObject({ code: 'NOT_UNDERSTOOD', exitCode: EXIT.usage });
      expect(await stored()).toEqual(before);
    },
  );

  it('is named where the calls of the day are used up', async () => {
    await add({ daily_call_limit: 0 });
    const { out } = await captured(() => view.showAccount(session, 'acc-1', false));
    expect(out).toContain('speechai account set acc-1 daily_call_limit=N');
  });
});

describe('account suspend, resume, show, statement', () => {
  it('P4: suspends, waits DIAL_WITHIN_MS, then says that nothing can be placed', async () => {
    await add();
    const { err } = await captured(() => account.setAccountStatus(session, 'acc-1', 'suspended', { reason: 'unpaid' }));
    expect(await stored()).toMatchObject({ status: 'suspended', status_by: 'ana@desk', status_reason: 'unpaid' });
    expect(waited).toEqual([1234]);
    expect(err).toContain('no further call of it can be placed');
    await captured(() => account.setAccountStatus(session, 'acc-1', 'active', {}));
    expect(await stored()).toMatchObject({ status: 'active' });
    expect(Object.keys(await stored())).not.toContain('status_reason');
  });

  it('shows what is used and held by the ledger, not by the picture of it', async () => {
    await add({ credit_used: 1 });
    const own = readAccount(await stored());
    expect(await session.store.ledgers.hold(own, 'att-1', { micros: 2_000_000, ms: 0 }, [])).toBe('held');
    const { out } = await captured(() => view.showAccount(session, 'acc-1', true));
    expect(JSON.parse(out)).toMatchObject({
      credit_balance: 10,
      credit_used: 1,
      credit_held: 2,
      credit_free: 7,
      closed_because: [],
      batches: 0,
    });
    const list = await captured(() => view.listAccounts(session, 10, false));
    expect(list.out).toContain('$7');
  });

  it.each([
    ['credit_based', 'credit_free', /minutes_/],
    ['minutes_based', 'minutes_free', /credit_/],
    ['unlimited', 'minutes_used', /_free|_balance|_purchased/],
  ])('of a plan %s it shows %s and no balance that it has not', async (plan_type, shown, hidden) => {
    await add({ plan_type, minutes_used: 227.78 });
    const { out } = await captured(() => view.showAccount(session, 'acc-1', false));
    expect(out).toContain(shown);
    expect(out).not.toMatch(hidden);
  });

  it('the statement is newest first, in its span of days on the account clock', async () => {
    await add();
    const line = (id: string, at: string, type: string, amount: number): Document => ({
      transaction_id: id,
      account_id: 'acc-1',
      type,
      amount,
      cost: 0,
      description: id,
      created_at: new Date(at),
    });
    await world.db
      .collection('transactions')
      .insertMany([
        line('a', '2026-11-01T02:59:00Z', 'topup_credits', 5),
        line('b', '2026-11-01T03:00:00Z', 'call_usage', -0.5),
        line('c', '2026-11-02T12:00:00Z', 'call_usage', -0.25),
        { account_id: 'acc-1', amount: 'odd' },
      ]);
    const ids = async (more: Partial<view.StatementOptions>): Promise<unknown> => {
      const { out } = await captured(() => view.accountStatement(session, 'acc-1', { limit: 10, json: true, ...more }));
      return (JSON.parse(out) as { transaction_id: string }[]).map((one) => one.transaction_id);
    };
    expect(await ids({ since: '2026-11-01', until: '2026-11-01' })).toEqual(['b']);
    // As in a report: a day that is named is part of the time.
    expect(await ids({ since: '2026-11-01', until: '2026-11-02' })).toEqual(['c', 'b']);
    expect(await ids({ limit: 2 })).toEqual(['c', 'b']);
    expect(await ids({})).toHaveLength(4);
  });
});
