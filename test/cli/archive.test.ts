/** `speechai db archive` and `unarchive` as an operator uses them: nothing is lost on the way, whatever happens meanwhile. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Double, Int32, Long, ObjectId, type Document } from 'mongodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { archive as archiveHistory, withOwnSignals } from '../../src/cli/db-archive.js';
import { moveBack, moveOut } from '../../src/archive/move.js';
import { createArchive, type ArchiveStore } from '../../src/store/archive.js';
import { captured } from '../support/captured.js';
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
  await world.db
    .collection('call_results')
    .insertMany(['a1', 'a2', 'a5'].map((id) => ({ call_id: `call_${id}`, attempt_id: id, transcript: 'Hola' })));
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
    expect(ran.out).toMatch(/^over\t4 jobs\t3 calls\tlast call \S+\t\S+\.jsonl\.gz\n$/);
    expect(ran.err).toContain('1 batch not taken: not over');
    const left = await everything();
    expect(left).toHaveLength(5);
    expect(left.every((line) => /at-work|a5|"none"/.test(line))).toBe(true);
    expect(before).toEqual(expect.arrayContaining(left));
    expect(await counted('over')).toEqual(counts);
    const shown = await speechai(world.env, 'batch', 'show', 'over');
    expect(shown.out).toMatch(/archived +4 jobs and 3 calls were moved out into \S+over-\S+ \(on \S+\) on \d{4}/);
    const told = await speechai(world.env, 'report', 'summary', '--batch', 'over');
    expect(told.err).toMatch(
      /^over: 4 jobs and 3 calls were moved out into \S+over-\S+ \(on \S+\) on \S+, and are not in this report\.\n$/,
    );
    expect((await speechai(world.env, 'report', 'summary', '--account', 'acc-1')).err).toBe(told.err);
    expect(await archive()).toMatchObject({ code: 0, out: '', err: expect.stringContaining('Nothing to archive') as string });
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
      expect(ran).toMatchObject({ code: 0, err: `over: ${documents} put back.\nThe file stays; it is not needed any more.\n` });
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
    expect(JSON.parse(dry.out)).toEqual([{ batch_id: 'over', jobs: 4, calls: 3, last_call: OLD.toISOString(), file: null }]);
    const asked = await archive('--batch', 'at-work');
    expect(asked).toMatchObject({ code: 1, out: '' });
    expect(asked.err).toContain('NOT_TO_ARCHIVE: at-work stays where it is: it has jobs that are not at their end (1 pending)');
    expect(await archive('--older-than', '300')).toMatchObject({ code: 0, out: '' });
    expect(await everything()).toEqual(before);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['is open', { open: true, lease_until: OLD }],
    ['waits for its price', { look_at: OLD }],
    ['was made lately', { at: new Date() }],
  ])('leaves a batch of which one call %s', async (_, more) => {
    await world.db.collection<Document & { _id: string }>('call_attempts').updateOne({ _id: 'a2' }, { $set: more });
    expect(await archive()).toMatchObject({ code: 0, out: '', err: expect.stringContaining('Nothing to archive') as string });
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
  const order = () => ({ batch: 'over', folder, id: 'id_1', by: 'ana', host: hostname(), pid: process.pid, database: world.db.databaseName, at: new Date(), olderThan: new Date(Date.now() - 86_400_000) }); // prettier-ignore
  const nobody = (): void => undefined;
  const own = (): ArchiveStore => createArchive(world.session.store.connection);
  /** As a kill leaves it: what was done before the nth use of a step is done, nothing after it is. */
  const killedAt = (step: keyof ArchiveStore, nth: number): ArchiveStore => {
    const store = own();
    let [uses, dead] = [0, false];
    const dying = Object.entries(store).map(([name, work]) => [
      name,
      (...args: never[]) => {
        if (name === step && (uses += 1) === nth) dead = true;
        if (dead) throw new Killed();
        return (work as (...with_: never[]) => unknown)(...args);
      },
    ]);
    return Object.fromEntries(dying) as ArchiveStore;
  };
  const aged = () =>
    world.db
      .collection('batches')
      .updateOne({ batch_id: 'over', archived: { $exists: true } }, { $set: { 'archived.$[].renewed_at': OLD } });

  it.each([
    ['before the batch knows', 'begin', 1],
    ['while the file is written', 'read', 1],
    ['with the file there and the batch not knowing', 'change', 1],
    ['before anything was taken', 'remove', 1],
    ['with the jobs gone and the calls there', 'remove', 2],
    ['with the results there', 'remove', 3],
    ['before its end is written', 'change', 5],
  ] as const)('%s loses nothing, counts nothing twice, and is finished by the next', async (_, step, nth) => {
    const before = await everything();
    await expect(moveOut(killedAt(step, nth), order(), nobody)).rejects.toThrow(Killed);
    // Half here and half there, the old figures stand.
    await world.db.collection('batches').updateOne({ batch_id: 'over' }, { $set: COUNTED });
    expect(await counted('over')).toEqual(COUNTED);
    const half = await everything();
    // Somebody may be at it still.
    if (step !== 'begin')
      expect(await archive('--batch', 'over')).toMatchObject({ code: 75, err: expect.stringContaining('ARCHIVE_BUSY') as string });
    await aged();
    expect((await db('archive', '--dry-run')).code).toBe(0);
    expect(await everything()).toEqual(half);
    const ran = await archive();
    expect(ran.code, ran.err).toBe(0);
    if (step !== 'begin') expect(ran.err).toContain('that was interrupted.');
    expect(await counted('over')).toEqual(COUNTED);
    expect(await everything()).toHaveLength(5);
    // Of the files, the one that the batch names is its history; another one is refused.
    const codes = [];
    for (const file of (await readdir(folder)).filter((name) => !name.endsWith('.part')))
      codes.push((await db('unarchive', join(folder, file), '--yes')).code);
    expect(codes.filter((code) => code === 0)).toHaveLength(1);
    expect(await everything()).toEqual(before);
    expect(await counted('over')).toEqual(COUNTED);
  });

  it.each([
    ['SIGINT', 'insertOne', /^Stopped: nothing was begun\.\n$/],
    ['SIGTERM', 'updateMany', /^Stopped at over: its file was being written, and nothing of it is taken\. The next `speechai db archive`/],
    ['SIGTERM', 'deleteMany', /^Stopped at over: its file is whole, and some of what is in it may be taken/],
  ] as const)('by %s at %s says what state it is in, and the next run goes on with it', async (signal, step, told) => {
    class Exited extends Error {}
    const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Exited(String(code));
    });
    const options = { to: folder, olderThan: 90, yes: true };
    const { connection } = world.session.store;
    const collection: typeof connection.collection = (name) => {
      const own = connection.collection(name);
      const ended = (): never => {
        process.emit(signal, signal);
        throw new Error('it went on');
      };
      return step === 'insertOne' ? own : (Object.create(own, { [step]: { value: ended } }) as typeof own);
    };
    const session = { ...world.session, store: { ...world.session.store, connection: { ...connection, collection } } };
    const { value, err } = await captured(() =>
      withOwnSignals(options, (doing, lines) => {
        if (step === 'insertOne') process.emit(signal, signal);
        return archiveHistory(session, options, doing, lines);
      }).catch((thrown: unknown) => thrown),
    ).finally(() => exit.mockRestore());
    expect(value).toEqual(new Exited(signal === 'SIGTERM' ? '143' : '130'));
    expect(err.split('\n').slice(-2).join('\n')).toMatch(told);
    if (step !== 'insertOne') await world.db.collection('batches').updateOne({ batch_id: 'over', archived: { $exists: true } }, { $set: { 'archived.$[].pid': 99_999_999 } }); // prettier-ignore
    expect((await archive()).code).toBe(0);
    expect(await counted('over')).toEqual(COUNTED);
    expect(await everything()).toHaveLength(5);
  });

  it('by the death of its process is gone on with at once, on its machine; while that lives neither archive nor unarchive interferes', async () => {
    await expect(moveOut(killedAt('remove', 2), order(), nobody)).rejects.toThrow(Killed);
    const [file = ''] = await readdir(folder);
    const half = await everything();
    expect(await archive('--batch', 'over')).toMatchObject({ code: 75, err: expect.stringContaining('ARCHIVE_BUSY') as string });
    expect(await archive()).toMatchObject({ code: 0, err: expect.stringContaining('is at it') as string });
    expect(await db('unarchive', join(folder, file), '--yes')).toMatchObject({ code: 75, err: expect.stringContaining('ARCHIVE_BUSY') as string }); // prettier-ignore
    expect(await everything()).toEqual(half);
    await world.db.collection('batches').updateOne({ batch_id: 'over' }, { $set: { 'archived.0.pid': 99_999_999 } });
    expect(await archive()).toMatchObject({ code: 0, err: expect.stringContaining('finished') as string });
    expect(await counted('over')).toEqual(COUNTED);
    expect(await everything()).toHaveLength(5);
  });

  it('stops taking when somebody puts back what it takes', async () => {
    const store = own();
    const remove: ArchiveStore['remove'] = async (noun, page) => {
      if (noun === 'jobs') await store.change('over', 'id_1', ['moving'], { state: 'restoring' });
      return store.remove(noun, page);
    };
    await expect(moveOut({ ...store, remove }, order(), nobody)).rejects.toMatchObject({ code: 'ARCHIVE_BUSY' });
    expect(await world.db.collection('call_attempts').countDocuments({ batch: 'over' })).toBe(4);
  });

  it('removes no file but one that it made itself, whatever the database says', async () => {
    const other = join(folder, 'precious.txt');
    await writeFile(other, 'mine');
    await world.db.collection('batches').updateOne({ batch_id: 'over' }, { $set: { archived: [{ id: 'id_2', at: OLD, state: 'writing', host: hostname(), file: other }] } }); // prettier-ignore
    expect((await archive()).code).toBe(0);
    expect(await readFile(other, 'utf8')).toBe('mine');
  });

  it('and whose file is not here takes nothing more', async () => {
    await expect(moveOut(killedAt('remove', 2), order(), nobody)).rejects.toThrow(Killed);
    await aged();
    for (const file of await readdir(folder)) await rm(join(folder, file));
    const half = await everything();
    expect(await archive()).toMatchObject({ code: 1, err: expect.stringContaining('and is not here') as string });
    expect(await everything()).toEqual(half);
  });

  it('on its way back is not taken again: it is put back by another unarchive', async () => {
    const before = await everything();
    await archive();
    const [file = ''] = await readdir(folder);
    await expect(moveBack(killedAt('restore', 2), join(folder, file), nobody)).rejects.toThrow(Killed);
    const half = await everything();
    await aged();
    expect(await archive()).toMatchObject({ code: 1, err: expect.stringContaining('db unarchive') as string });
    expect(await everything()).toEqual(half);
    expect((await db('unarchive', join(folder, file), '--yes')).code).toBe(0);
    expect(await everything()).toEqual(before);
    expect(await counted('over')).toEqual(COUNTED);
  });

  it.each<[string, Document, boolean]>([
    ['wanted again', { status: 'pending', updated_at: new Date() }, false],
    ['changed by a program that leaves its time alone', { note: 'mine' }, true],
  ])('keeps a job that was %s meanwhile, with its calls', async (_, change, counts) => {
    const store = own();
    const remove: ArchiveStore['remove'] = async (noun, page) => {
      if (noun === 'jobs') await world.db.collection('jobs').updateOne({ job_id: 'o1' }, { $set: change });
      return store.remove(noun, page);
    };
    await moveOut({ ...store, remove }, order(), nobody);
    const left = await world.db.collection('jobs').find({ batch_id: 'over' }).toArray();
    expect(left).toEqual([expect.objectContaining({ job_id: 'o1', ...change })]);
    expect(await world.db.collection('call_attempts').countDocuments({ batch: 'over' })).toBe(2);
    expect(await world.db.collection('call_results').countDocuments()).toBe(3);
    expect(await counted('over')).toEqual({ ...COUNTED, completed_jobs: counts ? 2 : 1 });
    const [file = ''] = await readdir(folder);
    const back = await db('unarchive', join(folder, file), '--yes');
    expect(back.err).toContain('1 document there in another form by now: left as they are.');
    expect(await world.db.collection('jobs').findOne({ job_id: 'o1' })).toMatchObject(change);
    expect(await counted('over')).toEqual({ ...COUNTED, completed_jobs: counts ? 2 : 1 });
  });

  it('leaves what comes to the batch meanwhile, however old it says it is', async () => {
    const store = own();
    const remove: ArchiveStore['remove'] = async (noun, page) => {
      if (noun === 'jobs') await world.db.collection<Document>('jobs').insertOne(jobDocument('late', { ...old, status: 'done' }));
      return store.remove(noun, page);
    };
    await moveOut({ ...store, remove }, order(), nobody);
    expect(await world.db.collection('jobs').find({ batch_id: 'over' }).toArray()).toEqual([expect.objectContaining({ job_id: 'late' })]);
    expect(await counted('over')).toEqual({ ...COUNTED, completed_jobs: 3 });
  });

  it('a batch whose jobs were changed lately stays, and leaves no file', async () => {
    await world.db.collection('jobs').updateOne({ job_id: 'o3' }, { $set: { updated_at: new Date() } });
    expect(await archive()).toMatchObject({ code: 1, out: '', err: expect.stringContaining('one of its jobs was changed') as string }); // prettier-ignore
    expect(await readdir(folder)).toEqual([]);
    expect((await batch('over'))?.['archived']).toEqual([]);
  });

  it('is left to the run that is at it', async () => {
    await world.db
      .collection('batches')
      .updateOne({ batch_id: 'over' }, { $set: { archived: [{ id: 'other', at: new Date(), state: 'writing' }] } });
    await expect(moveOut(own(), order(), nobody)).rejects.toMatchObject({ code: 'ARCHIVE_BUSY' });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('documents that extended JSON cannot say', () => {
  it.each<[string, Document]>([
    ['numbers in words', { raw: { $numberInt: '5' } }],
    ['dates in words', { raw: { $date: 'mañana' } }],
    ['what is no id', { raw: { $oid: 'zzz' } }],
    ['what is not defined', { raw: { $undefined: true } }],
    ['lines that end elsewhere', { raw: 'a\u2028b\u2029c\u0085d' }],
    ['nought below nought', { raw: new Double(-0), nan: Number.NaN }],
    ['an int64', { raw: Long.fromString('9007199254740993') }],
  ])('come back as they were: %s', async (_, more) => {
    await world.db.collection<Document>('jobs').insertOne(jobDocument('odd', { ...old, status: 'done', call_result: more }));
    const before = await everything();
    expect((await archive()).code).toBe(0);
    expect(await everything()).toHaveLength(5);
    const [file = ''] = await readdir(folder);
    expect((await db('unarchive', join(folder, file), '--yes')).code).toBe(0);
    expect(await everything()).toEqual(before);
  });

  it('one document that is refused does not keep the others out', async () => {
    await world.db.collection('call_results').createIndex({ call_id: 1 }, { unique: true, name: 'theirs' }, {});
    await archive();
    await world.db.collection('call_results').insertOne({ call_id: 'call_a1', transcript: 'made anew' });
    const [file = ''] = await readdir(folder);
    const ran = await db('unarchive', join(folder, file), '--yes');
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('1 document not put back: another document already uses a value that must be unique') as string }); // prettier-ignore
    expect(await everything()).toHaveLength(5 + 1 + 9);
    await world.db.collection('call_results').dropIndex('theirs');
  });
});

describe('a file that is no whole archive', () => {
  it.each<[string, (lines: string[], bytes: Buffer) => Buffer]>([
    ['is cut off within its bytes', (_, bytes) => bytes.subarray(0, bytes.length - 20)],
    ['lacks its end', (lines) => gzipSync(`${lines.slice(0, -1).join('\n')}\n`)],
    ['lacks a document', (lines) => gzipSync(`${lines.toSpliced(2, 1).join('\n')}\n`)],
    ['is of another kind', () => gzipSync('{"a":1}\n')],
    ['is not compressed', () => Buffer.from('{"speechai_archive":1}')],
    ['holds what is no document', (lines) => gzipSync(`${lines.toSpliced(2, 1, '{"in":"accounts","doc":{"_id":1}}').join('\n')}\n`)],
    ['holds a line that is no object', (lines) => gzipSync(`${lines.toSpliced(2, 1, 'null').join('\n')}\n`)],
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
    expect(await db('unarchive', join(folder, 'none.jsonl.gz'), '--yes')).toMatchObject({ code: 1, err: expect.stringContaining('NO_SUCH_FILE') as string }); // prettier-ignore
  });

  it('is of another database', async () => {
    await archive();
    const [file = ''] = await readdir(folder);
    const elsewhere = { ...world.env, MONGO_DB: `${world.db.databaseName}_2` };
    const ran = await speechai(elsewhere, 'db', 'unarchive', join(folder, file), '--yes');
    expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('OTHER_DATABASE') as string });
  });
});
