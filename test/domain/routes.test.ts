import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRoutes } from '../../src/config/routes-file.js';
import { readBatch } from '../../src/domain/read-batch.js';
import { queueOf, servedWork, type RoutedBatch, type Routes } from '../../src/domain/routes.js';

const routesOf = (file: unknown): Routes => {
  const dir = mkdtempSync(join(tmpdir(), 'speechai-routes-'));
  try {
    writeFileSync(join(dir, 'routes.json'), typeof file === 'string' ? file : JSON.stringify(file));
    return loadRoutes(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};
const batch = (more: Partial<RoutedBatch> = {}): RoutedBatch => ({ id: 'batch-1', account: 'acc-1', queue: null, useCase: null, ...more });

test('the packaged routes send everything to one queue, and so does a folder without a file', () => {
  expect(loadRoutes(null)).toEqual({ defaultQueue: 'default', rules: [] });
  expect(loadRoutes(tmpdir())).toEqual(loadRoutes(null));
});

describe('rules', () => {
  const routes = routesOf({
    default: 'rest',
    rules: [
      { queue: 'vip', when: { account: ['acc-1', 'acc-2'], batch: 'batch-vip*' } },
      { queue: 'marketing', when: { use_case: 'Marketing' } },
      { queue: 'retries', when: { work: 'retry' } },
    ],
  });
  test.each([
    [batch(), 'new', 'rest'],
    [batch(), 'retry', 'retries'],
    [batch({ id: 'batch-vip-7' }), 'retry', 'vip'],
    [batch({ id: 'batch-vip-7', account: 'acc-3' }), 'new', 'rest'],
    [batch({ id: null, account: null }), 'new', 'rest'],
    [batch({ useCase: 'marketing' }), 'retry', 'marketing'],
    [batch({ queue: 'own', useCase: 'marketing' }), 'retry', 'own'],
  ] as const)('%j %s goes to %s', (of, work, queue) => expect(queueOf(of, work, routes)).toBe(queue));

  test.each([
    [['rest', 'retries'], 'both'],
    [['rest'], 'new'],
    [['retries'], 'retry'],
    [['vip'], 'none'],
  ] as const)('a process with %j serves %s of a plain batch', (queues, work) => expect(servedWork(batch(), queues, routes)).toBe(work));
});

test("the use case is the document's own, or in the id that SpeechAI gave the batch", () => {
  expect(readBatch({ batch_id: 'x', use_case: 'Cobranza' }).useCase).toBe('cobranza');
  expect(readBatch({ batch_id: 'batch-marketing-20251025-174129' }).useCase).toBe('marketing');
  expect(readBatch({ batch_id: 'batch-ar-cobranza-20251025-174129' }).useCase).toBe('cobranza');
  expect(readBatch({ batch_id: 'batch-acq-20251025-174129-1' }).useCase).toBeNull();
  expect(readBatch({ batch_id: 'batch-2025-10-26-142744-439872' }).useCase).toBeNull();
});

test.each([
  '{',
  '[]',
  { rules: [] },
  { default: 'a b', rules: [] },
  { default: 'a', rules: [{ queue: 'b', when: {} }] },
  { default: 'a', rules: [{ queue: 'b', when: { acount: 'x' } }] },
  { default: 'a', rules: [{ queue: 'b', when: { work: 'all' } }] },
])('%j is refused at start', (file) => expect(() => routesOf(file)).toThrow(/routes\.json cannot be used/));
