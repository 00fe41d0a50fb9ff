/** A reader that goes away: `speechai job suspend ... | head -1`. In processes of their own, since it is their streams that close. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jobDocument, openTestSession, type TestSession } from '../support/session.js';

const MAIN = resolve(import.meta.dirname, '../../dist/main.js');

let world: TestSession;
beforeAll(async () => {
  world = await openTestSession();
});
afterAll(() => world.close());

/** Neither what it prints nor what it says is read by anybody. */
const unread = async (...args: string[]): Promise<number | null> => {
  const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...world.env };
  const child = spawn(process.execPath, ['--', MAIN, ...args], { cwd: tmpdir(), env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  child.stderr.destroy();
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
};

it('a command that writes finishes what it began, and its exit code is that of its work', async () => {
  const ids = Array.from({ length: 12 }, (_, n) => `j-${String(n)}`);
  await world.db.collection('jobs').insertMany(ids.map((id) => jobDocument(id)));
  expect(await unread('job', 'suspend', ...ids, '--reason', 'test')).toBe(0);
  expect(await world.db.collection('jobs').countDocuments({ status: 'suspended' })).toBe(12);
  expect(await unread('job', 'suspend', 'nobody', '--reason', 'test')).toBe(1);
});

it('one that only prints ends without a word', async () => {
  expect(await unread('job', 'list')).toBe(0);
});
