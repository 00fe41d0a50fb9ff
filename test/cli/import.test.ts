import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import writeSheet from 'write-excel-file/node';
import { importFile, type ImportOptions } from '../../src/cli/import-file.js';
import { buildProgram } from '../../src/cli/program.js';
import type { Session } from '../../src/cli/session.js';
import { EXIT } from '../../src/domain/errors.js';
import { formerPersonHash, personHash } from '../../src/domain/person.js';
import { lineHash } from '../../src/domain/phones.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { readJob } from '../../src/domain/read-job.js';
import { EVERY_QUEUE } from '../../src/store/claims.js';
import type { Store } from '../../src/store/store.js';
import { captured } from '../support/captured.js';
import { speechai } from '../support/cli.js';
import { openTestSession, type TestSession } from '../support/session.js';
import { fileOf } from '../import/support.js';

let world: TestSession;
let session: Session;

beforeAll(async () => {
  world = await openTestSession();
  session = world.session;
});
afterAll(() => world.close());
beforeEach(async () => {
  for (const name of ['jobs', 'accounts', 'batches', 'call_attempts', 'suppressions']) await world.db.collection(name).deleteMany({});
  await world.db
    .collection('accounts')
    .insertOne({ account_id: 'acc-123456', plan_type: 'unlimited', status: 'active', country: 'CL', timezone: 'America/Santiago' });
});

const CSV = `RUT;Nombre;Origen Empresa;Saldo actualizado;FechaVencimiento;diasRetraso;Teléfono móvil;Teléfono Residencial;Notas
12.345.678-5;Ana Prueba;Luz SA;104.050;25/11/2025;4;9 3877 3910;2 2815 1807;x
123456785;Ana Prueba;Luz SA;1.000;25/10/2025;0;938773910;;x
11.111.111-1;Beto Ñuñez;Luz SA;$ 20.000;25/11/2025;0;992125907 / 978445371;;=1+1
7654321-6;Carla;Luz SA;5000;25/11/2025;0;2815180;;x
`;

interface Told {
  readonly state: string;
  readonly batch_id: string;
  readonly import_id: string;
  readonly rejects: string | null;
  readonly counts: Readonly<Record<string, unknown>>;
}

const run = async (
  path: string,
  more: Partial<ImportOptions> = {},
  own: Session = session,
): Promise<Told & { readonly code: number; readonly err: string }> => {
  const { value, out, err } = await captured(async () =>
    importFile(own, path, { account: 'acc-123456', map: [], yes: true, json: true, ...more }),
  );
  return { ...(JSON.parse(out) as Told), code: value, err };
};
const jobs = (): Promise<Document[]> => world.db.collection('jobs').find().sort({ _id: 1 }).toArray();
const batch = async (): Promise<Document> => (await world.db.collection('batches').findOne({ account_id: 'acc-123456' })) ?? {};
const due = (id: string): Promise<boolean> => session.store.jobs.anyDue([id], session.store.time.now(), EVERY_QUEUE);
/** A file of so many people with one number each. */
const many = (count: number): string =>
  fileOf('many.csv', `dni,name,phone\n${Array.from({ length: count }, (_, n) => `P${100_000 + n},N${n},9${38_000_000 + n}`).join('\n')}\n`);

test('a file becomes a batch and jobs of the shape that SpeechAI writes, ready to be claimed', async () => {
  const told = await run(fileOf('noviembre.csv', CSV));
  expect(told).toMatchObject({
    state: 'imported',
    code: EXIT.ok,
    counts: { rows: 4, contacts: 2, numbers: 4, amount: 125_050, rejected_rows: 1, dropped_numbers: 1 },
  });
  const stored = await batch();
  expect(stored).toMatchObject({
    batch_id: expect.stringMatching(/^batch-\d{4}-\d\d-\d\d-\d{6}-\d{1,6}$/) as string,
    name: 'noviembre',
    description: '',
    total_jobs: 2,
    pending_jobs: 2,
    completed_jobs: 0,
    failed_jobs: 0,
    suspended_jobs: 0,
    total_cost: 0,
    total_minutes: 0,
    is_active: true,
    priority: 1,
    call_settings: null,
    created_at: expect.any(Date) as Date,
  });
  expect(stored['state']).toBeUndefined();
  const [ana, beto] = await jobs();
  expect(ana).toEqual({
    _id: expect.anything() as unknown,
    job_id: expect.stringMatching(/^job_acc-1234_\d{8}_\d{6}_[0-9a-f]{8}$/) as string,
    account_id: 'acc-123456',
    batch_id: told.batch_id,
    status: 'pending',
    mode: 'single',
    attempts: 0,
    max_attempts: 3,
    deduplication_key: `acc-123456::123456785::${told.batch_id}`,
    contact: { name: 'Ana Prueba', dni: '123456785', phones: ['+56938773910', '+56228151807'], next_phone_index: 0 },
    to_number: '+56938773910',
    payload: {
      debt_amount: 105_050,
      due_date: '2025-12-02',
      company_name: 'Luz SA',
      reference_number: '',
      additional_info: { cantidad_cupones: 2, fecha_maxima: '2025-11-01', rut: '123456785', batch_origen: told.batch_id },
    },
    estimated_cost: 0.47,
    created_at: stored['created_at'] as Date,
    import_id: told.import_id,
  });
  expect(beto?.['contact']).toMatchObject({ name: 'Beto Ñuñez', phones: ['+56992125907', '+56978445371'] });
  expect(readJob(ana)).toMatchObject({ kind: 'job', job: { contact: { person: personHash('12.345.678-5') } } });
  expect(await due(told.batch_id)).toBe(true);
  const rejects = readFileSync(told.rejects ?? '', 'utf8');
  expect(rejects).toContain(
    '\r\n5;"Teléfono móvil ""2815180"": it has 7 digits: the area code is missing | it has no telephone number that can be dialled";row rejected;7654321-6;Carla;Luz SA;5000;25/11/2025;0;2815180;;x\r\n',
  );
});

test('rejects may go to a device', async () => {
  expect(await run(fileOf('device.csv', 'phone\n938773910\n123\n'), { rejects: '/dev/null', dryRun: true })).toMatchObject({
    rejects: '/dev/null',
  });
  expect(existsSync('/dev/null.part')).toBe(false);
});

test('a reject file that was mended meanwhile stays as it is', async () => {
  const file = fileOf('mended.csv', 'phone\n938773910\n123\n');
  const first = await run(file, { dryRun: true });
  // The same once more is the same file.
  expect((await run(file, { dryRun: true })).rejects).toBe(first.rejects);
  writeFileSync(first.rejects ?? '', 'mended');
  const second = await run(file);
  expect(second.rejects).toMatch(/mended\.csv\.rejects\.2\.csv$/);
  expect(readFileSync(first.rejects ?? '', 'utf8')).toBe('mended');
  expect(readFileSync(second.rejects ?? '', 'utf8')).toContain('123');
});

test('a row that is not used for several reasons is one row', async () => {
  const told = await run(
    fileOf('a.csv', 'rut,phone,amount,due_date\n12345678-5,938773910,mucho,never\n11111111-1,992125907,10,\n11111111-1,992125907,10,\n'),
  );
  expect(told).toMatchObject({ counts: { rows: 3, contacts: 1, rejected_rows: 2 } });
});

test('a spreadsheet gives the same as the CSV it was saved as', async () => {
  const [header = [], ...rows] = CSV.trim()
    .split('\n')
    .map((line) => line.split(';'));
  const sheet = writeSheet([
    header.map((value) => ({ value })),
    ...rows.map((cells) => cells.map((value) => (value === '' ? null : { value }))),
  ]);
  await run(fileOf('a.csv', CSV));
  const fromCsv = await jobs();
  await world.db.collection('jobs').deleteMany({});
  await run(fileOf('b.xlsx', await sheet.toBuffer()));
  const plain = (all: Document[]): unknown[] =>
    all.map(({ contact, payload }) => ({ contact: contact as unknown, amount: (payload as Document)['debt_amount'] as unknown }));
  expect(plain(await jobs())).toEqual(plain(fromCsv));
});

describe('nothing is written', () => {
  test('by a dry run, which tells what would be, with the first rows and masked numbers', async () => {
    const path = fileOf('x.csv', CSV);
    const { value, out, err } = await captured(async () => importFile(session, path, { account: 'acc-123456', map: [], dryRun: true }));
    expect(value).toBe(EXIT.found);
    expect(out).toContain('Ana Prueba');
    expect(`${out}${err}`).not.toContain('938773910');
    expect(err).toContain('Left out: Notas');
    expect(err).toContain('this was a dry run');
    expect([await jobs(), await batch()]).toEqual([[], {}]);
  });

  test('without a yes where nobody can be asked', async () => {
    await expect(run(fileOf('x.csv', CSV), { yes: false })).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED', exitCode: EXIT.usage });
    expect([await jobs(), await batch()]).toEqual([[], {}]);
  });

  test.each([
    ['an unknown account', { account: 'acc-x' }, /no account "acc-x"/],
    ['a file of nobody', {}, /Not one contact/],
  ])('for %s', async (_what, more, message) => {
    await expect(run(fileOf('x.csv', 'phone\n123\n'), more)).rejects.toThrow(message);
    expect([await jobs(), await batch()]).toEqual([[], {}]);
  });

  test('with settings under which the daemon would dial nobody', async () => {
    const settings = fileOf('s.json', '{"allowed_hours": {"start": "9 o clock", "end": "18:00"}}');
    await expect(run(fileOf('x.csv', CSV), { settings })).rejects.toThrow(/nothing of the batch could be dialled/);
    expect(await batch()).toEqual({});
  });
});

test('people who wait in another active batch are left out, by every spelling of their RUT; --allow-duplicates takes them', async () => {
  const first = await run(fileOf('a.csv', CSV));
  const again = fileOf('b.csv', 'rut;nombre;celular\n12345678-5;Ana;938773910\n22.222.222-2;Dora;978445371\n');
  expect(await run(again)).toMatchObject({ counts: { contacts: 1, already_waiting: 1 } });
  expect(await run(again, { name: 'all', allowDuplicates: true })).toMatchObject({ counts: { contacts: 2, already_waiting: 0 } });
  await world.db.collection('batches').updateMany({}, { $set: { is_active: false } });
  expect(await run(again, { name: 'paused' })).toMatchObject({ counts: { contacts: 2 } });
  expect(first.batch_id).not.toBe('');
});

test('suppressed numbers and people are left out, people called lately are counted', async () => {
  const none = { account_id: null, batch_id: null, expires_at: null, reason: 'asked for it' };
  await world.db.collection('suppressions').insertMany([
    { ...none, line: lineHash('+56938773910'), person: null },
    { ...none, line: null, person: personHash('11111111-1') },
    { ...none, line: lineHash('+56228151807'), person: null, account_id: 'acc-other' },
  ]);
  await world.db
    .collection<Document>('call_attempts')
    .insertOne({ _id: 'a' as never, line: lineHash('+56228151807'), person: null, at: new Date(), state: 'settled', reached: 'rang' });
  expect(await run(fileOf('x.csv', CSV))).toMatchObject({ counts: { contacts: 1, numbers: 1, suppressed: 1, recently_called: 1 } });
  expect((await jobs())[0]?.['contact']).toMatchObject({ phones: ['+56228151807'] });
});

test('P4: a person suppressed by DNI is not called by the CUIT, nor waits in two batches under the two', async () => {
  await world.db.collection('accounts').updateOne({}, { $set: { country: 'AR' } });
  await world.db.collection('suppressions').insertOne({ account_id: null, batch_id: null, expires_at: null, reason: 'asked', line: null, person: personHash('28123457') }); // prettier-ignore
  const told = await run(
    fileOf(
      'x.csv',
      'cuit;nombre;celular;monto\n20-28123457-3;Ana;1123456789;1\n27-30111222-5;Eva;1123456780;1\n30.111.222;Eva;1123456781;2\n',
    ),
  );
  expect(told).toMatchObject({ counts: { contacts: 1, suppressed: 1, rejected_rows: 1, kept: { 'its check digit is wrong': 1 } } });
  expect((await jobs())[0]).toMatchObject({ contact: { dni: '30111222' }, payload: { debt_amount: 3 } });
  await world.db.collection('suppressions').insertOne({ account_id: null, batch_id: null, expires_at: null, reason: 'old', line: null, person: formerPersonHash('27301112225') }); // prettier-ignore
  expect(
    await run(fileOf('o.csv', 'cuit;celular\n27-30111222-5;1123456780\n11.111.112;1123456799\n'), { allowDuplicates: true, name: 'o' }),
  ).toMatchObject({
    counts: { suppressed: 1 },
  });
  // As another program writes it.
  await world.db.collection('jobs').updateOne({}, { $set: { deduplication_key: `acc-123456::27301112225::${told.batch_id}` } });
  const again = fileOf('y.csv', 'dni;celular\n30111222;1123456780\n');
  await expect(run(again)).rejects.toThrow('Not one contact');
});

test('the preview warns of what is valid and seldom meant, tells kept from not used, and names lines', async () => {
  const past =
    'RUT;nombre;celular;Saldo;fecha limite\n11.111.111-1;Beto;992125907;1.000;01-dic-2020\n12.345.678-9;Ana;938773910;104,050;31/12/2099\n;Eva;978445371;0;\n;Eva;978445371;1;\n';
  const { err } = await captured(async () => importFile(session, fileOf('x.csv', past), { account: 'acc-123456', map: [], dryRun: true }));
  expect(err).toContain('1  its number is the one of line 4 (line 5)');
  expect(err).toMatch(
    /Kept as it is written, but look at it:\n +1 {2}its check digit is wrong \(line 3\)|Kept as it is written, but look at it:\n +1 {2}its comma/,
  );
  expect(err).toContain('its comma is taken for thousands');
  expect(err.slice(0, err.indexOf('Kept as'))).not.toContain('check digit');
  expect(err).toContain('1 contact is asked to pay until a day that is past');
  expect(err).toContain('1 contact owes 0');
  expect(err).toContain('it has neither hours nor a rule pack');
  expect(err).toContain('3 numbers, 105.050 in all');
  await expect(run(fileOf('x.csv', past), { yes: false })).rejects.toThrow('to be called from now on, at any hour of every day?');
  const settings = fileOf('s.json', '{"allowed_hours": {"start": "18:00", "end": "09:00"}}');
  const night = await captured(async () =>
    importFile(session, fileOf('x.csv', past), { account: 'acc-123456', map: [], dryRun: true, settings }),
  );
  expect(night.err).toContain('its hours run over midnight, 18:00-09:00');
  expect(night.err).not.toContain('neither hours');
});

test('the reject file is in the order of the file and can be mended and imported again; rows that were imported stay out of it', async () => {
  const rows = Array.from(
    { length: 60 },
    (_, n) => `P${200_000 + n},N${n},${n % 3 === 0 ? '123' : `9${38_100_000 + n}`},${n % 5 === 0 ? '77' : ''}`,
  );
  const first = await run(fileOf('r.csv', `dni,name,phone,phone2\n${rows.join('\n')}\n`));
  const text = readFileSync(first.rejects ?? '', 'utf8');
  const lines = text.trim().split('\r\n').slice(1).map((line) => Number(line.split(',')[0])); // prettier-ignore
  expect(lines).toEqual([...lines].sort((a, b) => a - b));
  const mended = text.replaceAll(',123,', ',987654321,');
  const second = await run(fileOf('mended.csv', mended));
  expect([first.counts['contacts'], second.counts['contacts']]).toEqual([40, 20]);
  expect(second.err).toBe('');
  expect((await jobs()).length).toBe(60);
});

test('a contact without a RUT that came twice is not imported again from the reject file', async () => {
  const first = await run(fileOf('x.csv', 'nombre;celular\nEva;978445371\nEva;978445371\nAna;12\n'));
  const mended = readFileSync(first.rejects ?? '', 'utf8').replace(';12', ';938773910');
  expect(await run(fileOf('y.csv', mended))).toMatchObject({ counts: { rows: 2, contacts: 1 } });
  expect((await jobs()).map((job) => String((job['contact'] as Document)['name'])).toSorted()).toEqual(['Ana', 'Eva']);
});

test('sums carry no digits that nobody wrote, and a file of many contacts says that it shows some', async () => {
  const rows = Array.from({ length: 30 }, (_, n) => `P${100_000 + n},9${38_000_000 + n},${n}.10`).join('\n');
  const path = fileOf('m.csv', `dni,phone,monto\n${rows}\n`);
  expect(await run(path)).toMatchObject({ counts: { amount: 438 } });
  await world.db.collection('accounts').updateOne({}, { $set: { country: 'PE' } });
  const other = fileOf('p.csv', `dni,phone,monto\n${rows.replace(/,9(?=\d{8})/g, ',+569')}\n88777666,+56938773910,1234567.5\n`);
  const { err } = await captured(async () =>
    importFile(session, other, { account: 'acc-123456', map: [], dryRun: true, allowDuplicates: true }),
  );
  expect(err).toContain('The first 5 of 31 contacts are shown.');
  expect(err).toContain('31 numbers, 1 235 005.5 in all');
});

test('settings: dynamic dates rule over the file, required variables reject, the batch carries the rest', async () => {
  const settings = fileOf(
    's.json',
    JSON.stringify({
      dias_fecha_limite: 3,
      required_variables: ['empresa'],
      allowed_hours: { start: '09:00', end: '18:00' },
      max_attempts: 5,
      queue: 'cobranza',
    }),
  );
  const told = await run(fileOf('x.csv', `${CSV}22.222.222-2;Dora;;1000;25/11/2025;0;984190650;;\n`), { settings });
  expect(told.counts).toMatchObject({ contacts: 2, missing: { empresa: 1 } });
  const [ana] = await jobs();
  const inThree = new Date(Date.now() + 3 * 86_400_000).toLocaleDateString('sv-SE', { timeZone: 'America/Santiago' });
  expect(ana).toMatchObject({ max_attempts: 5, payload: { due_date: inThree } });
  expect(readBatch(await batch())).toMatchObject({ queue: 'cobranza', problems: [], settings: { maxAttempts: 5 } });
});

describe('all or nothing per import, safe to run again', () => {
  /** The daemon of the machine is killed while the second thousand is written. */
  const dying = (): Session => {
    let calls = 0;
    const { imports } = session.store;
    const add: Store['imports']['add'] = async (...args) => {
      calls += 1;
      if (calls === 2) throw new Error('killed');
      return imports.add(...args);
    };
    return { ...session, store: { ...session.store, imports: { ...imports, add } } };
  };

  test('P4: what an interrupted run leaves is never dialled, and the next run completes it', async () => {
    const path = many(1_500);
    await expect(run(path, {}, dying())).rejects.toThrow('killed');
    const half = await batch();
    expect([half['is_active'], (await jobs()).length]).toEqual([false, 1_000]);
    // Even if SpeechAI's screen switches it on.
    expect(readBatch({ ...half, is_active: true }).problems).toEqual(['its import is not complete; run the import again']);
    await expect(run(path)).rejects.toMatchObject({ code: 'IMPORT_UNDER_WAY', exitCode: EXIT.tryAgain });
    await world.db.collection('batches').updateOne({}, { $set: { 'import.lease_until': new Date(0) } });
    // One of them asks for no more calls meanwhile.
    await world.db
      .collection('suppressions')
      .insertOne({ line: lineHash('+56938000000'), person: null, account_id: null, batch_id: null, reason: 'asked', expires_at: null });
    expect(await run(path)).toMatchObject({ state: 'resumed', batch_id: half['batch_id'] as string });
    const written = await jobs();
    expect([written.length, new Set(written.map((job) => String(job['job_id']))).size]).toEqual([1_499, 1_499]);
    expect(await batch()).toMatchObject({ is_active: true, total_jobs: 1_499, pending_jobs: 1_499 });
  });

  test('a run that was taken for dead and comes back writes nothing more', async () => {
    const { imports } = session.store;
    const add: Store['imports']['add'] = async (...args) => {
      const answer = await imports.add(...args);
      await world.db.collection('batches').updateOne({}, { $set: { 'import.run': 'another' } });
      return answer;
    };
    const late: Session = { ...session, store: { ...session.store, imports: { ...imports, add } } };
    await expect(run(many(2_500), {}, late)).rejects.toMatchObject({ code: 'IMPORT_UNDER_WAY' });
    expect([(await jobs()).length, (await batch())['is_active']]).toEqual([1_000, false]);
  });

  test('the same file again changes nothing and says where it is; another name is another import', async () => {
    const path = fileOf('x.csv', CSV);
    const first = await run(path);
    expect(await run(path)).toMatchObject({ state: 'already_imported', batch_id: first.batch_id, code: EXIT.ok });
    expect(await jobs()).toHaveLength(2);
    const other = await run(path, { name: 'otra vez', allowDuplicates: true });
    expect(other.batch_id).not.toBe(first.batch_id);
    expect(await jobs()).toHaveLength(4);
  });

  test('of two runs at the same time one writes', async () => {
    const path = many(2_200);
    const { value } = await captured(async () =>
      Promise.allSettled(
        [1, 2].map(async () =>
          importFile(session, path, { account: 'acc-123456', map: [], yes: true, json: true, rejects: `${path}.none` }),
        ),
      ),
    );
    const failed = value.flatMap((each) => (each.status === 'rejected' ? [each.reason as { code: string }] : []));
    expect(failed.every(({ code }) => code === 'IMPORT_UNDER_WAY')).toBe(true);
    expect(failed.length).toBeLessThan(2);
    expect(await jobs()).toHaveLength(2_200);
    expect(await batch()).toMatchObject({ is_active: true, total_jobs: 2_200 });
  });
});

test('jobs lie in the order of the file, whatever order they were written in', async () => {
  await run(many(700));
  expect((await jobs()).map((job) => String((job['contact'] as Document)['name']))).toEqual(Array.from({ length: 700 }, (_, n) => `N${n}`));
});

test('the command line is there and refuses politely', async () => {
  const batchCommand = buildProgram().commands.find((command) => command.name() === 'batch');
  expect(batchCommand?.commands.map((command) => command.name())).toContain('import');
  const ran = await speechai(world.env, 'batch', 'import', fileOf('x.xls', 'a'), '--account', 'acc-123456');
  expect([ran.code, ran.err.includes('none of .csv, .txt and .xlsx')]).toEqual([EXIT.failed, true]);
  expect(existsSync('x.xls.rejects.csv')).toBe(false);
});
