/** `speechai db archive` and `unarchive` as an operator uses them: nothing is lost on the way, whatever happens meanwhile. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Double, Int32, Long, ObjectId, type Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { moveOut } from '../../src/archive/move.js';
import { createArchive, type ArchiveStore } from '../../src/store/archive.js';
import { speechai, type Ran } from '../support/cli.js';
import { attemptDocument, jobDocument, openTestSession, type TestSession } from '../support/session.js';

const OLD = new Date(Date.now() - 200 * 86_400_000);
const NAMES = ['jobs', 'call_attempts', 'call_results'];

let world: TestSession;
let folder: string;
const db = (...args: string[]): Promise<Ran> => speechai(world.env, 'db', ...args);
const archive = (...args: string[]): Promise<Ran> => db('archive', '--to', folder, '--yes', ...args);

/** Every document of the three collections with the types it has, in an order of their own. */
const everything = async (): Promise<string[]> => {
  const found = await Promise.all(
    NAMES.map((name) =>
      world.db
        .collection(name)
        .find({}, { promoteValues: false, projection: { recount_until: 0 } })
        .toArray(),
    ),
  );
  return found.flat().map((doc) => JSON.stringify(doc)).toSorted(); // prettier-ignore
};
const batch = (id: string): Promise<Document | null> => world.db.collection('batches').findOne({ batch_id: id });
const counted = async (id: string): Promise<Document | null> => {
  await world.session.store.recount.batch(id, { now: new Date(), force: true, restMs: () => 1 });
  const { completed_jobs, failed_jobs, total_cost, total_minutes } = (await batch(id)) ?? {};
  return { completed_jobs, failed_jobs, total_cost, total_minutes };
};
const COUNTED = { completed_jobs: 2, failed_jobs: 1, total_cost: 0.3, total_minutes: 2 };

const call = (id: string, job: string, more: Document = {}): Document => {
  const { lease_until: _, locks: __, ...doc } = attemptDocument(world, job, job, {
    _id: id, call_id: `call_${id}`, state: 'settled', open: false, batch: 'over', at: OLD, settled_at: OLD, cost: { micros: 100_000, ms: 40_000, final: true }, ...more,
  }); // prettier-ignore
  return doc;
};
const old = { batch_id: 'over', created_at: OLD, updated_at: OLD };

/** One batch that is over, with documents of many shapes, and one that is not. */
const seed = async (): Promise<void> => {
  await world.db.collection('accounts').insertOne({ account_id: 'acc-1', account_name: 'Cobranzas', plan_type: 'unlimited', status: 'active', country: 'CL' }); // prettier-ignore
  await world.db.collection('batches').insertMany([
    { batch_id: 'over', account_id: 'acc-1', name: 'Marzo', is_active: true, created_at: OLD },
    { batch_id: 'at-work', account_id: 'acc-1', name: 'Noviembre', is_active: true, created_at: OLD },
  ]);
  await world.db.collection<Document>('jobs').insertMany([
    jobDocument('o1', { _id: 'o1', ...old, status: 'done', long: Long.fromString('9007199254740993'), whole: new Double(2), small: new Int32(2), nested: { $odd: 1, 'a.b': null } }),
    jobDocument('o2', { ...old, status: 'completed', _id: new ObjectId() }),
    jobDocument('o3', { ...old, status: 'failed', updated_at: OLD.toISOString() }),
    jobDocument('o4', { ...old, status: 'cancelled' }),
    jobDocument('w1', { ...old, batch_id: 'at-work', status: 'done' }),
    jobDocument('w2', { ...old, batch_id: 'at-work', status: 'pending' }),
    jobDocument('none', { ...old, batch_id: null, status: 'done' }),
  ]); // prettier-ignore
  await world.db.collection<Document>('call_attempts').insertMany([
    call('a1', 'o1'),
    call('a2', 'o1'),
    call('a3', 'o3'),
    call('a4', 'o4', { state: 'void', cost: undefined, call_id: undefined }),
    call('a5', 'w1', { batch: 'at-work' }),
  ]); // prettier-ignore
  await world.db.collection('call_results').insertMany(['a1', 'a2', 'a5'].map((id) => ({ call_id: `call_${id}`, transcript: 'Hola' })));
};

beforeAll(async () => {
  world = await openTestSession();
});
afterAll(() => world.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'speechai-archive-'));
  await seed();
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  for (const name of [...NAMES, 'batches', 'accounts']) await world.db.collection(name).deleteMany({});
});

describe('db archive', () => {
  it('moves a batch that is over into a file, and its counters, its page and its report know', async () => {
    const before = await everything();
    const counts = await counted('over');
    expect(counts).toEqual(COUNTED);
    const ran = await archive();
    expect(ran.code, ran.err).toBe(0);
    expect(ran.out).toMatch(/^over\t4 jobs\t4 calls\tlast at work \S+\t\S+\.jsonl\.gz\n$/);
    expect(ran.err).toContain('1 batch not taken: not over');
    const left = await everything();
    expect(left).toHaveLength(5);
    expect(left.every((line) => /at-work|a5|"none"/.test(line))).toBe(true);
    expect(before).toEqual(expect.arrayContaining(left));
    expect(await counted('over')).toEqual(counts);
    const shown = await speechai(world.env, 'batch', 'show', 'over');
    expect(shown.out).toMatch(/archived +4 jobs and 4 calls were moved out into over-\S+ on \d{4}/);
    const told = await speechai(world.env, 'report', 'summary', '--batch', 'over');
    expect(told.err).toMatch(/^over: 4 jobs and 4 calls were moved out into over-\S+ on \S+, and are not in this report\.\n$/);
    expect((await archive()).out).toBe('nothing to archive\n');
  });

  it('writes a file that its owner alone can read, and that other programs can', async () => {
    await archive();
    const [file = ''] = await readdir(folder);
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
    const lines = gunzipSync(await readFile(join(folder, file))).toString().trim().split('\n').map((line) => JSON.parse(line) as Document); // prettier-ignore
    expect(lines[0]).toMatchObject({ speechai_archive: 1, batch: 'over' });
    expect(lines.filter((line) => line['in'] === 'jobs').map((line) => line['doc'].job_id)).toEqual(expect.arrayContaining(['o1', 'o2', 'o3', 'o4'])); // prettier-ignore
    expect(lines.at(-1)).toEqual({ end: { jobs: 4, attempts: 4, results: 2 } });
  });

  it('brings every document back as it was, twice as well as once', async () => {
    const before = await everything();
    await archive();
    const [file = ''] = await readdir(folder);
    for (const documents of ['10 documents', '0 documents']) {
      const ran = await db('unarchive', join(folder, file), '--yes');
      expect(ran).toMatchObject({ code: 0, err: `over: ${documents} put back. The file stays; it is not needed any more.\n` });
      expect(await everything()).toEqual(before);
      expect(await counted('over')).toEqual(COUNTED);
    }
    expect((await batch('over'))?.['archived']).toEqual([]);
    expect((await archive('--json')).code).toBe(0);
    expect(await counted('over')).toEqual(COUNTED);
  });

  it('takes nothing in a dry run, and none of what is asked for but is not over', async () => {
    const before = await everything();
    const dry = await db('archive', '--dry-run', '--json');
    expect(JSON.parse(dry.out)).toEqual([{ batch_id: 'over', jobs: 4, calls: 4, last_at_work: OLD.toISOString(), file: null }]);
    const asked = await archive('--batch', 'at-work');
    expect(asked).toMatchObject({ code: 1, out: '' });
    expect(asked.err).toContain('NOT_TO_ARCHIVE: at-work stays where it is: it has jobs that are not at their end (1 pending)');
    expect(await archive('--older-than', '300')).toMatchObject({ code: 0, out: 'nothing to archive\n' });
    expect(await everything()).toEqual(before);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['is open', { open: true, lease_until: OLD }],
    ['waits for its price', { look_at: OLD }],
    ['was made lately', { at: new Date() }],
  ])('leaves a batch of which one call %s', async (_, more) => {
    await world.db.collection<Document & { _id: string }>('call_attempts').updateOne({ _id: 'a2' }, { $set: more });
    expect((await archive()).out).toBe('nothing to archive\n');
  });

  it('keeps what the rules still count, and asks for a folder', async () => {
    expect(await archive('--older-than', '3')).toMatchObject({ code: 2, err: expect.stringContaining('TOO_YOUNG') as string });
    expect(await db('archive', '--yes')).toMatchObject({ code: 2, err: expect.stringContaining('NO_FOLDER') as string });
    expect(await db('archive', '--to', folder)).toMatchObject({ code: 2, err: expect.stringContaining('CONFIRMATION_NEEDED') as string });
  });

  it('takes the history of a batch that was deleted, too', async () => {
    await world.db.collection('batches').deleteOne({ batch_id: 'over' });
    expect((await archive('--batch', 'over')).code).toBe(0);
    expect(await everything()).toHaveLength(5);
    expect(await batch('over')).toBeNull();
  });
});

describe('an archive that is interrupted', () => {
  class Killed extends Error {}
  const order = () => ({ batch: 'over', folder, id: 'id_1', by: 'ana', database: world.db.databaseName, at: new Date() });
  /** As a kill leaves it: what was done before is done, nothing after it is. */
  const killedAt = (store: ArchiveStore, step: keyof ArchiveStore, after: number): ArchiveStore => {
    const die = (): never => {
      throw new Killed();
    };
    let documents = 0;
    const { remove } = store;
    return step !== 'remove' ? { ...store, [step]: die } : { ...store, remove: (id, at, progress) => remove(id, at, (more) => ((documents += more) > after ? die() : progress(more))) }; // prettier-ignore
  };

  it.each([
    ['before the batch knows', 'begin', 0],
    ['with the jobs gone and the calls there', 'remove', 0],
    ['with all of it gone', 'remove', 4],
    ['before its end is written', 'end', 0],
  ] as const)('%s loses nothing, counts nothing twice, and is finished by the next', async (_, step, after) => {
    const before = await everything();
    const store = createArchive(world.session.store.connection);
    await expect(moveOut(killedAt(store, step, after), order(), () => undefined)).rejects.toThrow(Killed);
    // Half here and half there, the old figures stand.
    await world.db.collection('batches').updateOne({ batch_id: 'over' }, { $set: COUNTED });
    expect(await counted('over')).toEqual(COUNTED);
    const ran = await archive();
    expect(ran.code, ran.err).toBe(0);
    if (step !== 'begin') expect(ran.err).toContain('which was interrupted; it is finished now.');
    expect(await counted('over')).toEqual(COUNTED);
    expect(await everything()).toHaveLength(5);
    for (const file of await readdir(folder)) expect((await db('unarchive', join(folder, file), '--yes')).code).toBe(0);
    expect(await everything()).toEqual(before);
    expect(await counted('over')).toEqual(COUNTED);
  });

  it('keeps a job that somebody wants again meanwhile, with its calls', async () => {
    const store = createArchive(world.session.store.connection);
    const begin: ArchiveStore['begin'] = async (id, entry) => {
      await world.db.collection('jobs').updateOne({ job_id: 'o1' }, { $set: { status: 'pending', updated_at: new Date() } });
      return store.begin(id, entry);
    };
    await moveOut({ ...store, begin }, order(), () => undefined);
    const left = await world.db.collection('jobs').find({ batch_id: 'over' }).toArray();
    expect(left.map((doc) => [doc['job_id'], doc['status']])).toEqual([['o1', 'pending']]);
    expect(await world.db.collection('call_attempts').countDocuments({ batch: 'over' })).toBe(2);
    expect(await world.db.collection('call_results').countDocuments()).toBe(3);
    expect(await counted('over')).toEqual({ ...COUNTED, completed_jobs: 1 });
    const [file = ''] = await readdir(folder);
    await db('unarchive', join(folder, file), '--yes');
    expect(await world.db.collection('jobs').findOne({ job_id: 'o1' })).toMatchObject({ status: 'pending' });
  });

  it('is left to the run that is at it', async () => {
    await world.db.collection('batches').updateOne({ batch_id: 'over' }, { $set: { archived: [{ id: 'other', at: OLD, done: false }] } });
    const store = createArchive(world.session.store.connection);
    await expect(moveOut(store, order(), () => undefined)).rejects.toMatchObject({ code: 'ARCHIVE_BUSY' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a file that is no whole archive', () => {
  it.each<[string, (lines: string[], bytes: Buffer) => Buffer]>([
    ['is cut off within its bytes', (_, bytes) => bytes.subarray(0, bytes.length - 20)],
    ['lacks its end', (lines) => gzipSync(lines.slice(0, -1).join('\n'))],
    ['lacks a document', (lines) => gzipSync(lines.toSpliced(2, 1).join('\n'))],
    ['is of another kind', () => gzipSync('{"a":1}\n')],
    ['is not compressed', () => Buffer.from('{"speechai_archive":1}')],
    ['holds what is no document', (lines) => gzipSync(lines.toSpliced(2, 1, '{"in":"accounts","doc":{}}').join('\n'))],
    ['is empty', () => Buffer.alloc(0)],
  ])('%s: nothing of it is put back', async (_, spoil) => {
    await archive();
    const [file = ''] = await readdir(folder);
    const path = join(folder, file);
    const bytes = await readFile(path);
    await writeFile(path, spoil(gunzipSync(bytes).toString().trimEnd().split('\n'), bytes));
    const ran = await db('unarchive', path, '--yes');
    expect(ran).toMatchObject({ code: 1, out: '' });
    expect(ran.err).toContain('ARCHIVE_UNREADABLE');
    expect(await everything()).toHaveLength(5);
  });

  it('does not exist', async () => {
    expect(await db('unarchive', join(folder, 'none.jsonl.gz'), '--yes')).toMatchObject({ code: 1, err: expect.stringContaining('ARCHIVE_UNREADABLE') as string }); // prettier-ignore
  });
});
