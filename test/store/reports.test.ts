/** What reports read while a campaign runs: each job once, wherever it moves meanwhile, by the indexes that are there anyway. */

import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createReportReads, type ReportReads } from '../../src/store/reports.js';
import { intentFor, newId, openStoreWorld, type StoreWorld } from './support.js';

const ALL = { statuses: [], transcripts: false };
const NO_PERIOD = { since: null, until: null };

describe('the reads of reports', () => {
  let world: StoreWorld;
  let reads: ReportReads;
  beforeAll(async () => {
    world = await openStoreWorld();
    reads = createReportReads(world.store.connection);
  });
  afterAll(() => world.close());
  const jobs = () => world.database.db.collection('jobs');

  it('meet each job once, though jobs move in the index while they are read', async () => {
    await jobs().insertMany(
      Array.from({ length: 2_000 }, (_, n) => ({ n, batch_id: 'moving', status: n % 2 === 0 ? 'in_progress' : 'pending' })),
    );
    const seen: number[] = [];
    for await (const job of reads.jobs({ batches: ['moving'] }, ALL)) {
      if (seen.length === 100) {
        await jobs().updateMany({ batch_id: 'moving', status: 'pending', n: { $gt: 1_000 } }, { $set: { status: 'done' } });
        await jobs().updateMany({ batch_id: 'moving', status: 'in_progress' }, { $set: { status: 'pending', reserved_until: new Date() } });
      }
      seen.push(Number(job['n']));
    }
    expect(seen).toHaveLength(2_000);
    expect(new Set(seen).size).toBe(2_000);
  });

  it('leave transcripts and replies where they are, unless a transcript is asked for', async () => {
    const call_result = { success: true, details: { secret: 1 }, summary: { transcript: 'Hola', recording_url: 'r' } };
    await jobs().insertOne({ batch_id: 'texts', status: 'done', call_result });
    const of = async (transcripts: boolean): Promise<unknown> => {
      for await (const job of reads.jobs({ batches: ['texts'] }, { ...ALL, transcripts })) return job['call_result'];
      return null;
    };
    expect(await of(false)).toEqual({ success: true, summary: { recording_url: 'r' } });
    expect(await of(true)).toEqual({ success: true, summary: { transcript: 'Hola', recording_url: 'r' } });
  });

  it('of an account are what is booked to it, in batches that are gone and in none', async () => {
    const calls = world.database.db.collection<Document & { _id: string }>('call_attempts');
    const at = new Date('2026-11-20T12:00:00Z');
    const attempt = (batch: string | null, account: string): Document & { _id: string } => ({
      ...intentFor(newId(), { batch, account, locks: [] }),
      at,
      open: false,
      state: 'settled',
    });
    await calls.insertMany([attempt('gone', 'mine'), attempt(null, 'mine'), attempt('gone', 'other'), attempt('elsewhere', 'mine')]);
    await jobs().insertMany([{ batch_id: 'gone', account_id: 'mine', status: 'done' }, { batch_id: null, account_id: 'mine', status: 'done' }, { batch_id: 'gone', account_id: 'other', status: 'done' }]); // prettier-ignore
    const count = async (found: AsyncIterable<unknown>): Promise<number> => {
      let n = 0;
      for await (const one of found) n += one === null ? 0 : 1;
      return n;
    };
    expect(await count(reads.calls({ account: 'mine' }, NO_PERIOD))).toBe(3);
    expect(await count(reads.jobs({ account: 'mine' }, ALL))).toBe(2);
    expect(await count(reads.calls({ batches: ['gone'] }, NO_PERIOD))).toBe(2);
    expect(await count(reads.calls({ account: 'mine' }, { since: at, until: null }))).toBe(3);
    expect(await count(reads.calls({ account: 'mine' }, { since: null, until: at }))).toBe(0);
    expect([await reads.knows('gone'), await reads.knows('nowhere')]).toEqual([true, false]);
  });
});
