import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { factsOf, findJob } from '../../src/cli/job-find.js';
import type { Session } from '../../src/cli/session.js';
import * as suppress from '../../src/cli/suppress-act.js';
import { importSuppressions, type ImportOptions } from '../../src/cli/suppress-import.js';
import { decide } from '../../src/domain/decide.js';
import { EXIT } from '../../src/domain/errors.js';
import { formerPersonHash } from '../../src/domain/person.js';
import { NO_PACKS } from '../../src/domain/rules.js';
import { columnsOf, entryId, expiryOf, personOf, phoneOf, whoIs } from '../../src/domain/suppression-entry.js';
import { captured } from '../support/captured.js';
import { jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let session: Session;
let folder: string;
beforeAll(async () => {
  world = await openTestSession();
  session = world.session;
  folder = await mkdtemp(join(tmpdir(), 'suppress-'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  for (const name of ['jobs', 'accounts', 'batches', 'suppressions']) await world.db.collection(name).deleteMany({});
  await world.db.collection('accounts').insertOne({ account_id: 'acc-1', plan_type: 'unlimited', status: 'active', country: 'CL' });
  await world.db.collection('batches').insertOne({ batch_id: 'batch-1', account_id: 'acc-1', is_active: true, call_settings: null });
  await world.db.collection('jobs').insertOne(jobDocument('j'));
});

const add = (who: readonly string[], more: Partial<suppress.AddOptions> = {}) =>
  captured(() => suppress.addSuppressions(session, who, { reason: 'letter', ...more }));
const check = (who: readonly string[], more: suppress.FindOptions = {}) => captured(() => suppress.checkSuppressions(session, who, more));
const remove = (who: readonly string[], more: Partial<suppress.RemoveOptions> = {}) =>
  captured(() => suppress.removeSuppressions(session, who, { id: [], yes: true, ...more }));
const all = (): Promise<Document[]> => world.db.collection('suppressions').find({}).toArray();

/** What the last check before a dial makes of the job. */
async function verdict(): Promise<string> {
  const found = await findJob(session, 'j');
  if (found.kind !== 'job') throw new Error(found.kind);
  const decision = decide(await factsOf(session, found.job), session.policy, NO_PACKS);
  return decision.kind === 'dial' ? 'dial' : decision.reasons.map(({ code }) => code).join(' ');
}

describe('suppress add, check, remove', () => {
  it.each([['+56911112222'], ['+56 9 1111 2222'], ['12.345.678-k'], ['12345678K']])(
    'P4: %s is not dialled any more, until it is removed',
    async (who) => {
      expect(await verdict()).toBe('dial');
      await add([who]);
      expect(await verdict()).toContain('SUPPRESSED');
      expect((await check([who])).value).toBe(EXIT.found);
      await remove([who], { reason: 'asked again' });
      // It ends by the server's clock; ours is an estimate of that, by milliseconds.
      await expect.poll(verdict).toBe('dial');
      expect((await check([who])).value).toBe(EXIT.ok);
      for (const entry of await all()) expect(entry).toMatchObject({ reason: 'letter', ended_by: 'ana@desk', ended_reason: 'asked again' });
      await add([who]);
      expect(await verdict()).toContain('SUPPRESSED');
      expect(Object.keys((await all())[0] ?? {})).not.toContain('ended_by');
    },
  );

  it('says of a number that is none what an import would say of it', async () => {
    const said = (word: string, country?: string) => suppress.checkSuppressions(session, [word], country === undefined ? {} : { country });
    await expect(said('9 1111 2901', 'CL')).rejects.toMatchObject({
      message: expect.stringMatching(/"9 1111 2901" is no telephone number in CL: no such number is in use in Chile/) as string,
      remedy: expect.not.stringContaining('--country') as string,
    });
    await expect(said('+56 1 2345 6789', 'CL')).rejects.toMatchObject({ message: expect.stringContaining('Chilean') as string });
    await expect(said('9 1111 29')).rejects.toMatchObject({ remedy: expect.stringContaining('--country') as string });
  });

  it('P4: a person is one in all spellings of the DNI, with or without the CUIT around it', async () => {
    const spellings = ['28123457', '28.123.457', '20-28123457-3', '27281234574', '23-28123457-9'];
    for (const stored of spellings) {
      await world.db.collection('jobs').updateOne({ job_id: 'j' }, { $set: { 'contact.dni': stored } });
      for (const said of spellings) {
        await add([said]);
        expect([stored, said, await verdict()]).toEqual([stored, said, expect.stringContaining('SUPPRESSED')]);
        for (const asked of spellings) expect((await check([asked])).value).toBe(EXIT.found);
        await remove([stored]);
        await expect.poll(verdict).toBe('dial');
      }
    }
    await world.db.collection('jobs').updateOne({ job_id: 'j' }, { $set: { 'contact.dni': '30-28123457-6' } });
    await add(['28123457']);
    expect(await verdict()).toBe('dial');
    await add(['30281234576']);
    expect(await verdict()).toContain('SUPPRESSED');
  });

  it('P4: what was suppressed by a CUIT before it was the person of its DNI stays so', async () => {
    const former = formerPersonHash('20-28123457-3');
    await world.db.collection('suppressions').insertOne({ _id: 'op:old' as never, line: null, person: former, account_id: null, batch_id: null, reason: 'old', expires_at: null }); // prettier-ignore
    await world.db.collection('jobs').updateOne({ job_id: 'j' }, { $set: { 'contact.dni': '20281234573' } });
    expect(await verdict()).toContain('SUPPRESSED');
    expect((await check(['20-28123457-3'])).value).toBe(EXIT.found);
    await remove(['20-28123457-3']);
    await expect.poll(verdict).toBe('dial');
  });

  it('a wrong check digit is said and blocked, as written and with the right digit; removing it ends both and no more', async () => {
    await add(['12.345.678-5']);
    expect((await add(['12.345.678-5'])).err).not.toContain('check digit');
    const { err } = await add(['12.345.678-9']);
    expect(err).toContain('12***89: its check digit should be 5');
    expect((await add(['30-71234567-5'])).err).toContain('its check digit should be');
    await remove(['12.345.678-9']);
    expect((await check(['12.345.678-9'])).value).toBe(EXIT.ok);
    // By its own entry.
    expect((await check(['12.345.678-5'])).value).toBe(EXIT.found);
    await remove(['12.345.678-5']);
    await add(['12.345.678-9']);
    expect((await check(['12.345.678-5'])).value).toBe(EXIT.found);
    await remove(['12.345.678-9']);
    expect((await check(['12.345.678-5'])).value).toBe(EXIT.ok);
  });

  it('takes a person as an import shows it, also for a question where it could be a telephone', async () => {
    await add(['12.345.678-5', '22.815.180-7']);
    expect((await check(['123456785'])).value).toBe(EXIT.found);
    expect((await check(['228151807'])).value).toBe(EXIT.found);
    expect((await check(['12345678'], { account: 'acc-1' })).value).toBe(EXIT.found);
    expect((await check(['111111111'])).value).toBe(EXIT.ok);
    await add(['+56228151807']);
    await remove(['22.815.180-7']);
    expect((await check(['228151807'])).value).toBe(EXIT.found);
    await expect(add(['228151807'])).rejects.toMatchObject({ code: 'WHO' });
  });

  it.each(['31-12-2099', '31/12/2099', '31-dic-2099', '31 de diciembre de 2099', '2099-12-31'])(
    '--expires %s: that day is part of it',
    async (expires) => {
      await add(['+56911112222'], { expires });
      expect(await all()).toMatchObject([{ expires_at: new Date('2100-01-01T03:00:00Z') }]);
    },
  );

  it('holds in its scope and until its expiry only', async () => {
    await world.db.collection('accounts').insertOne({ account_id: 'acc-2', country: 'AR' });
    await add(['+56911112222'], { account: 'acc-2' });
    expect(await verdict()).toBe('dial');
    expect((await check(['+56911112222'], { account: 'acc-1' })).value).toBe(EXIT.ok);
    expect((await check(['+56911112222'])).value).toBe(EXIT.found);
    await add(['+56911112222'], { batch: 'batch-1', expires: '1h' });
    expect(await verdict()).toContain('SUPPRESSED');
    await world.db.collection('suppressions').updateMany({ batch_id: 'batch-1' }, { $set: { expires_at: new Date(Date.now() - 1_000) } });
    expect(await verdict()).toBe('dial');
    await expect(add(['+56911112222'], { account: 'acc-9' })).rejects.toMatchObject({ code: 'NO_SUCH_ACCOUNT' });
    await expect(add(['+56911112222'], { expires: '2020-01-01' })).rejects.toMatchObject({ code: 'EXPIRES' });
  });

  it('P8: keeps no number in clear, and shows masked ones', async () => {
    await add(['+56911112222', '12.345.678-k']);
    const shown = await captured(() => suppress.listSuppressions(session, {}));
    expect(JSON.stringify(await all()) + shown.out).not.toMatch(/911112222|12345678/);
    expect(shown.out).toContain('+56*****222');
    expect(shown.out).toContain('12***8K');
  });

  it('takes a number without + only where the country is known, never by a guess', async () => {
    for (const who of ['911112222x', '911112222', '228151804'])
      await expect(add([who])).rejects.toMatchObject({ code: 'WHO', exitCode: EXIT.usage });
    await add(['978445371'], { account: 'acc-1' });
    expect((await check(['+56978445371'], { account: 'acc-1' })).value).toBe(EXIT.found);
  });

  it('asks before a wish from a call is overruled', async () => {
    const wish = {
      line: phoneOf('+56911112222', null)?.line ?? '',
      person: null,
      account: null,
      batch: null,
      reason: 'user_requested_dnc',
      expiresAt: null,
    };
    await session.store.campaigns.suppress({ ...wish, evidence: 'call_1', attempt: 'a1', masked: '+56*****910' });
    await expect(remove(['+56911112222'], { yes: false })).rejects.toMatchObject({
      code: 'CONFIRMATION_NEEDED',
      message: expect.stringContaining('the person asked for it') as string,
    });
    expect(await verdict()).toContain('SUPPRESSED');
    await expect(remove([], { id: ['nothing'] })).rejects.toMatchObject({ code: 'NO_SUCH_SUPPRESSION' });
    await remove([], { id: ['attempt:a1'] });
    await expect.poll(verdict).toBe('dial');
    await expect(remove(['+56911112222'])).rejects.toMatchObject({ code: 'NOT_SUPPRESSED', exitCode: EXIT.failed });
  });
});

describe('suppress import', () => {
  const load = async (content: string | Buffer, more: Partial<ImportOptions> = {}) => {
    const file = join(folder, 'list.csv');
    await writeFile(file, content);
    const ran = await captured(() => importSuppressions(session, file, { reason: 'list', json: true, ...more }));
    return { ...ran, counts: JSON.parse(ran.out) as Record<string, unknown> };
  };

  it('reads headings with accents, several numbers in a cell, reasons and expiries; running it again changes nothing', async () => {
    const text = '\uFEFFTel\u00e9fono;RUT;Motivo;Vence\n+56911112222|+56922223333;12.345.678-5;court;2030-01-01\n;98.765.432-5;;\n';
    expect((await load(text)).counts).toMatchObject({ lines: 2, added: 4, rejected: 0, wrong_check_digit: 0 });
    expect((await load(text)).counts).toMatchObject({ added: 0, renewed: 4 });
    expect(await world.db.collection('suppressions').countDocuments({ reason: 'court', evidence: 'list.csv' })).toBe(3);
    expect(await verdict()).toContain('SUPPRESSED');
  });

  it('reads what spreadsheets write that know no UTF-8', async () => {
    const { counts } = await load(Buffer.from('Tel\u00e9fono;Motivo\n+56911112222;pidi\u00f3\n', 'latin1'));
    expect(counts).toMatchObject({ added: 1, rejected: 0 });
    expect((await all()).map((one) => one['reason'] as unknown)).toEqual(['pidió']);
  });

  it('P4: dates as people write them; what is no date blocks for ever and is said', async () => {
    const text = 'phone;vence\n+56911112222;31-12-2099\n+56922223333;31-dic-2099\n+56933334444;cuando pague\n+56944445555;01-01-2020\n';
    const { counts, value, err } = await load(text);
    expect([value, counts]).toMatchObject([EXIT.found, { added: 4, rejected: 0, unread_expiry: 1, past_expiry: 1 }]);
    expect((await all()).map((one) => one['expires_at'] as unknown)).toEqual([
      new Date('2100-01-01T03:00:00Z'),
      new Date('2100-01-01T03:00:00Z'),
      null,
      new Date('2020-01-02T03:00:00Z'),
    ]);
    expect(err).toContain('line 4: its expiry is not a valid date; blocked forever');
    expect(await readFile(String(counts['rejects']), 'utf8')).toBe(
      '\uFEFFphone;vence;rejected_line;rejected_why\r\n+56933334444;cuando pague;4;its expiry is not a valid date; blocked forever\r\n'.replace(
        'its expiry is not a valid date; blocked forever',
        '"its expiry is not a valid date; blocked forever"',
      ),
    );
  });

  it('what is rejected can be mended in the reject file and imported again', async () => {
    const first = await load('Sep=,\nRUT,Motivo\n20-28123457-3,a\nnobody,"b, c"\n12.345.678-9,d\n');
    expect(first.counts).toMatchObject({ added: 3, rejected: 1, wrong_check_digit: 2 });
    const rejects = await readFile(String(first.counts['rejects']), 'utf8');
    expect(rejects).toMatch(/^\uFEFFRUT,Motivo,rejected_line,rejected_why\r\nnobody,"b, c",4,/);
    expect((await load(rejects.replace('nobody', '11.111.111-1'))).counts).toMatchObject({ added: 1, rejected: 0, rejects: null });
    const plain = await load('+56911112222\nhello\n');
    expect((await load((await readFile(String(plain.counts['rejects']), 'utf8')).replace('hello', '1-9'))).counts).toMatchObject({
      rejected: 1,
    });
  });

  it('a plain list, with what is not understood told by its line', async () => {
    const { counts, value, err } = await load('+56911112222\nhello\n\n"broken\n+56922223333\n'.replace('"', ''), {});
    expect(counts).toMatchObject({ added: 2, rejected: 2 });
    expect(value).toBe(EXIT.found);
    expect(err).toContain('line 2:');
  });

  it('a line with one number that is not understood is rejected whole', async () => {
    expect((await load('phone\n+56911112222|911\n')).counts).toMatchObject({ added: 0, rejected: 1 });
    expect(await verdict()).toBe('dial');
  });

  it.each<[string, string | Buffer, number]>([
    ['a line of a megabyte', `phone\n${'9'.repeat(1_000_000)}\n+56911112222\n`, 1],
    ['quotes that do not close', 'phone\n"+56933334444\n+56911112222\n', 1],
    ['formulas', 'phone\n=cmd|calc\n+56911112222\n', 1],
    ['CRLF', 'phone\r\n+56911112222\r\n', 0],
    ['no end of line', '+56911112222', 0],
  ])('survives %s', async (_, content, rejected) => {
    expect((await load(content)).counts).toMatchObject({ added: 1, rejected });
    expect(await verdict()).toContain('SUPPRESSED');
  });

  it('refuses a binary file and one that is not there', async () => {
    await expect(load(Buffer.from('+56911112222\n', 'utf16le'))).rejects.toMatchObject({ code: 'FILE_BINARY' });
    await expect(importSuppressions(session, join(folder, 'none.csv'), { reason: 'x' })).rejects.toMatchObject({ code: 'FILE' });
    expect(await all()).toEqual([]);
  });

  it('a dry run counts and writes nothing', async () => {
    expect((await load('+56911112222\n', { dryRun: true })).counts).toMatchObject({ added: 1, dry_run: true });
    expect(await all()).toEqual([]);
  });

  it('streams: thousands of lines in groups', async () => {
    const text = Array.from({ length: 3_000 }, (_, n) => `+569${String(20_000_000 + n)}`).join('\n');
    expect((await load(text)).counts).toMatchObject({ lines: 3_000, added: 3_000, rejected: 0 });
  });
});

describe('who is meant', () => {
  it('both Argentine spellings of a line are one entry, and scopes are apart', () => {
    const [one, other] = [phoneOf('+5491144445555', null), phoneOf('+541144445555', null)];
    if (one === null || other === null) throw new Error('no phone');
    expect(entryId(one, null, null)).toBe(entryId(other, null, null));
    expect(entryId(one, 'a', null)).not.toBe(entryId(one, null, 'a'));
    expect(personOf('contact_12')).toBeNull();
    expect(whoIs('12.345.678-9', null)?.person).toBe(personOf('123456789')?.person);
  });

  it('headings and expiries', () => {
    expect(columnsOf(['N\u00famero', 'RUT'])).toMatchObject({ phone: 0, person: 1 });
    expect(columnsOf(['+56911112222'])).toBeNull();
    const now = new Date('2026-11-20T12:00:00Z');
    expect(expiryOf('2d', now, 'America/Santiago')?.toISOString()).toBe('2026-11-22T12:00:00.000Z');
    expect(expiryOf('soon', now, 'America/Santiago')).toBeNull();
  });

  test.prop([fc.string(), fc.constantFrom(null, 'CL', 'AR', 'XX')])(
    'never throws, and never shows more than five digits',
    (written, country) => {
      const who = whoIs(written, country);
      expect((who?.masked ?? '').replace(/\D/g, '').length).toBeLessThanOrEqual(5);
      expect(who === null || (who.line === null) !== (who.person === null)).toBe(true);
    },
  );
});
