/** `speechai report` as a campaign's owner uses it: figures on the terminal, tables as files that other programs open. */

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Document } from 'mongodb';
import readSheet, { readSheet as readNamed } from 'read-excel-file/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { speechai, speechaiProcess, type Ran } from '../support/cli.js';
import { attemptDocument, jobDocument, openTestSession, type TestSession } from '../support/session.js';

let world: TestSession;
let folder: string;
const report = (...args: string[]): Promise<Ran> => speechai(world.env, 'report', ...args);

const settled = (id: string, job: string, more: Document = {}): Document => {
  const { lease_until: _, locks: __, ...doc } = attemptDocument(world, job, job, { _id: id, call_id: `call_${id}`, state: 'settled', open: false, ...more }); // prettier-ignore
  return doc;
};
const outcome = (more: Document = {}): Document => ({
  class: 'answered',
  reason: 'user_hangup',
  success: true,
  reached: 'conversation',
  endedAt: new Date('2026-11-20T14:02:00Z'),
  durationMs: 60_000,
  ...more,
});

beforeAll(async () => {
  world = await openTestSession();
  folder = await mkdtemp(join(tmpdir(), 'speechai-report-'));
  const { db } = world;
  await db.collection('accounts').insertOne({ account_id: 'acc-1', account_name: 'Cobranzas', plan_type: 'unlimited', status: 'active', country: 'CL' }); // prettier-ignore
  await db.collection('batches').insertMany([
    { batch_id: 'batch-1', account_id: 'acc-1', name: 'Noviembre', is_active: true, created_at: new Date() },
    { batch_id: 'batch-2', account_id: 'acc-1', name: 'Otra', is_active: true, created_at: new Date() },
  ]);
  await db.collection<Document>('jobs').insertMany([
    jobDocument('j1', {
      status: 'done', attempts: 2, monto_pago_cliente: 700, fecha_pago_cliente: '2026-12-01', contact: { name: 'Ana "Nía", Ñusta', dni: '12345678K', phones: ['+56911112222', '+56922223333'] },
      call_result: { success: true, outcome_class: 'answered', outcome_reason: 'user_hangup', details: { transcript: 'secreto' }, summary: { transcript: 'Hola', recording_url: 'https://x.test/r' } },
    }),
    jobDocument('j2', { status: 'pending', last_error: '=HYPERLINK("http://x")', contact: null, payload: 7 }),
    jobDocument('j3', { status: 'done', batch_id: 'batch-2' }),
    jobDocument('j4', { status: 'failed', batch_id: null }),
    jobDocument('j5', { status: 'failed', batch_id: null, account_id: 'acc-other' }),
  ]); // prettier-ignore
  await db.collection<Document>('call_attempts').insertMany([
    settled('a1', 'j1', { at: new Date('2026-11-19T14:00:00Z'), outcome: outcome({ class: 'no_answer', reached: 'rang', success: false, durationMs: 0 }), cost: { micros: 10_000, ms: 0, final: true } }),
    settled('a2', 'j1', { at: new Date('2026-11-20T14:00:00Z'), outcome: outcome(), cost: { micros: 140_000, ms: 60_000, final: true }, result: { details: 'long' } }),
    settled('a3', 'j2', { at: new Date('2026-11-20T15:00:00Z'), state: 'void' }),
    settled('a4', 'j3', { at: new Date('2026-11-20T16:00:00Z'), batch: 'batch-2', outcome: outcome({ success: false }), cost: { micros: 1_000_000, ms: 60_000, final: true } }),
    settled('a5', 'gone', { at: new Date('2026-11-20T17:00:00Z'), batch: 'batch-gone', outcome: outcome(), cost: { micros: 5_000, ms: 60_000, final: true } }),
    settled('a6', 'j4', { at: new Date('2026-11-20T18:00:00Z'), batch: null, outcome: outcome({ class: 'busy', reached: 'rang', success: false }), cost: { micros: 0, ms: 0, final: true } }),
  ]); // prettier-ignore
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await world.close();
});

describe('speechai report', () => {
  it('summary: counts calls that rang, people once, and leaves the voids out', async () => {
    const shown = await report('summary', '--batch', 'batch-1');
    const json = await report('summary', '--batch', 'batch-1', '--json');
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toContain('Batch Noviembre: all calls');
    expect(shown.out).toMatch(/pick-up rate %\s+│ 50\s+│ picked up of 2 ended calls/);
    expect(shown.out).not.toContain('\u001B');
    expect(JSON.parse(json.out)).toMatchObject({
      title: 'Batch Noviembre',
      contacts: { total: 2, by_status: { done: 1, pending: 1 }, called: 1, picked_up: 1, succeeded: 1, promised: 700, debt: 1000 },
      calls: { calls: 2, ended: 2, picked_up: 1, talked: 1, successes: 1, minutes: 1, dollars: 0.15, dollars_per_success: 0.15, provisional: 0 },
      by_day: [{ key: '2026-11-19', calls: 1 }, { key: '2026-11-20', calls: 1, picked_up: 1 }],
      by_hour: [{ key: '11', calls: 2 }],
    }); // prettier-ignore
  });

  it('summary: of an account are all its batches and what has none; a period is of whole days on its clock', async () => {
    const [all, day, gone] = [
      await report('summary', '--account', 'acc-1', '--json'),
      await report('summary', '--batch', 'batch-1', '--since', '2026-11-19', '--until', '19-11-2026', '--json'),
      await report('summary', '--batch', 'batch-gone', '--json'),
    ];
    expect(JSON.parse(all.out)).toMatchObject({ title: 'Account Cobranzas', contacts: { total: 4 }, calls: { calls: 5, dollars: 1.155 } });
    expect(JSON.parse(day.out)).toMatchObject({
      since: '2026-11-19T03:00:00.000Z',
      until: '2026-11-20T03:00:00.000Z',
      calls: { calls: 1, picked_up: 0 },
      contacts: { total: 2, called: 1, picked_up: 0 },
    });
    // A batch that was deleted has still had its calls.
    expect(JSON.parse(gone.out)).toMatchObject({ calls: { calls: 1 }, contacts: { total: 0 } });
  });

  it('summary: as files that need nothing else', async () => {
    const [html, sheets] = [join(folder, 'november.html'), join(folder, 'november.xlsx')];
    const ran = [];
    for (const out of [html, sheets]) ran.push(await report('summary', '--batch', 'batch-1', 'batch-2', '--out', out));
    expect(ran).toMatchObject([{ code: 0, out: '', err: `${html}: written.\n` }, { code: 0, out: '', err: `${sheets}: written.\n` }]); // prettier-ignore
    expect(await readFile(html, 'utf8')).toContain('<h1>Batches Noviembre, Otra</h1>');
    expect((await readSheet(sheets)).map(({ sheet }) => sheet)).toEqual(['Summary', 'Contacts by status', 'Calls by outcome', 'Calls by day', 'Calls by hour', 'Calls by number of the contact']); // prettier-ignore
    expect(await readNamed(sheets, 'Contacts by status')).toEqual([['status', 'contacts'], ['done', 2], ['pending', 1]]); // prettier-ignore
    expect((await stat(html)).mode & 0o777).toBe(0o600);
    expect((await stat(sheets)).mode & 0o777).toBe(0o600);
  });

  it('contacts: a row for each, a formula is none, documents of any shape are rows too', async () => {
    const [csv, json] = [
      await report('contacts', '--batch', 'batch-1'),
      await report('contacts', '--batch', 'batch-1', '--status', 'done', '--transcripts', '--json'),
    ];
    expect(csv).toMatchObject({ code: 0, err: '' });
    const rows = parse<Record<string, string>>(csv.out, { columns: true });
    expect(rows).toMatchObject([
      { job_id: 'j1', status: 'done', name: 'Ana "Nía", Ñusta', dni: '12345678K', phone_1: '+56911112222', phone_2: '+56922223333', phone_3: '', success: 'true', promised_amount: '700', recording_url: 'https://x.test/r' },
      { job_id: 'j2', status: 'pending', name: '', phone_1: '', last_error: `'=HYPERLINK("http://x")` },
    ]); // prettier-ignore
    expect(csv.out).not.toContain('Hola');
    expect(csv.out).not.toContain('secreto');
    const lines = json.out.trim().split('\n').map((line) => JSON.parse(line) as Document); // prettier-ignore
    expect(lines).toMatchObject([{ job_id: 'j1', transcript: 'Hola', attempts: 2 }]);
  });

  it('calls: a row for each that rang or may have, in every kind of file', async () => {
    const paths = ['csv', 'jsonl', 'xlsx'].map((ending) => join(folder, `calls.${ending}`));
    const ran = [];
    for (const out of paths) ran.push(await report('calls', '--batch', 'batch-1', '--out', out));
    for (const one of ran) expect(one).toMatchObject({ code: 0, out: '', err: expect.stringContaining(': 2 rows written.') as string });
    const [csv = '', jsonl = '', xlsx = ''] = paths;
    const text = await readFile(csv, 'utf8');
    expect(text.startsWith('\uFEFF')).toBe(true);
    expect(parse(text, { columns: true, bom: true })).toMatchObject([{ call_id: 'call_a1', result: 'no_answer', cost_dollars: '0.01' }, { call_id: 'call_a2', result: 'answered', to_number: '+56911112222', duration_seconds: '60' }]); // prettier-ignore
    expect((await readFile(jsonl, 'utf8')).trim().split('\n')).toHaveLength(2);
    const [sheet] = await readSheet(xlsx);
    expect(sheet?.data[2]?.slice(0, 3)).toEqual(['call_a2', 'a2', 'j1']);
    // A sheet's time is a fraction of a day.
    expect(Math.round(Number(sheet?.data[2]?.[8]) / 1000) * 1000).toBe(Date.parse('2026-11-20T14:00:00Z'));
    for (const path of paths) expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('in a process of its own: data on one stream alone', async () => {
    const ran = await speechaiProcess(world.env, 'report', 'calls', '--account', 'acc-1', '--json');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out.trim().split('\n')).toHaveLength(5);
  });

  it('refuses what it cannot do, before it writes anything', async () => {
    const there = join(folder, 'there.csv');
    await writeFile(there, 'mine');
    const ran = [
      await report('summary'),
      await report('summary', '--batch', 'batch-1', '--account', 'acc-1'),
      await report('calls', '--batch', 'batch-9'),
      await report('calls', '--batch', 'batch-1', '--out', join(folder, 'calls.pdf')),
      await report('calls', '--batch', 'batch-1', '--out', there),
      await report('calls', '--batch', 'batch-1', '--out', join(folder, 'nowhere', 'calls.csv')),
      await report('calls', '--batch', 'batch-1', '--since', 'ayer'),
      await report('calls', '--batch', 'batch-1', '--since', '2026-11-20', '--until', '2026-11-18'),
      await report('calls', '--batch', 'batch-1', '--json', '--out', join(folder, 'new.csv')),
      await report('contacts', '--batch', 'batch-1', '--status', 'done', 'don', '--out', there, '--force'),
    ];
    expect(ran.map(({ code, err }) => [code, /error (\w+)/.exec(err)?.[1]])).toEqual([
      [2, 'WHICH_REPORT'], [2, 'WHICH_REPORT'], [1, 'NO_SUCH_BATCH'], [2, 'REPORT_FORMAT'], [2, 'REPORT_EXISTS'], [1, 'REPORT_FILE'], [2, 'DATE'], [2, 'DATE'], [2, 'JSON_OR_FILE'], [2, 'STATUS'],
    ]); // prettier-ignore
    expect(await readFile(there, 'utf8')).toBe('mine');
    expect(await report('calls', '--batch', 'batch-1', '--out', there, '--force')).toMatchObject({ code: 0 });
    expect(await readFile(there, 'utf8')).not.toBe('mine');
  });
});
