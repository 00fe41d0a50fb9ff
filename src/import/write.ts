/** The last pass: the jobs in chunks under a batch that is not active yet, then the batch is switched on. Run again, it completes or says what is there. */
import { SpeechAiError, EXIT } from '../domain/errors.js';
import type { ImportRun, ImportStart, Imports } from '../store/imports.js';
import type { ContactDraft } from './contact.js';
import { batchDocument, jobDocument, type BatchPaper } from './documents.js';
import { batchDocumentId, jobIdsOf } from './identity.js';
import type { ScratchList } from './scratch.js';

export interface WriteOptions {
  readonly imports: Imports;
  /** Its `batchId` and `createdAt` are those of a first run; an interrupted one keeps its own. */
  readonly paper: BatchPaper;
  readonly total: number;
  readonly accepted: ScratchList;
  /** Of this run alone. */
  readonly run: string;
  readonly progress: (count: number) => void;
}

export type Written =
  { readonly kind: 'imported' | 'resumed'; readonly batchId: string; readonly jobs: number } | Extract<ImportStart, { kind: 'done' }>;

const TOGETHER = 1_000;

export async function writeImport({ imports, paper, total, accepted, run: runId, progress }: WriteOptions): Promise<Written> {
  const { importId, account } = paper;
  const documentId = batchDocumentId(importId);
  const start = await imports.begin({ documentId, importId, run: runId }, batchDocument(paper, total));
  if (start.kind === 'done') return start;
  if (start.kind === 'busy') throw busy(start.batchId);
  const { batchId, createdAt } = start;
  const run: ImportRun = { documentId, importId, batchId, run: runId };
  const own: BatchPaper = { ...paper, batchId, createdAt };
  const ids = jobIdsOf(importId, batchId, account.id, createdAt);
  // What an interrupted run wrote may have been judged otherwise: people asked for no more calls since.
  if ((await imports.clear(run)) === 'lost') throw busy(batchId);
  let chunk: { id: string; doc: Readonly<Record<string, unknown>> }[] = [];
  let written = 0;
  const flush = async (): Promise<void> => {
    if ((await imports.add(run, chunk)) === 'lost') throw busy(batchId);
    written += chunk.length;
    chunk = [];
    progress(written);
  };
  for await (const value of accepted.read()) {
    // It was put there by the plan a moment ago.
    const contact = value as ContactDraft;
    chunk.push({ id: ids.documentId(contact.line), doc: jobDocument(contact, own, ids) });
    if (chunk.length >= TOGETHER) await flush();
  }
  if (chunk.length > 0) await flush();
  const { is_active: _inactive, ...fields } = batchDocument(own, total);
  const answer = await imports.activate(run, total, fields);
  if (answer === 'active') return { kind: start.kind === 'begun' ? 'imported' : 'resumed', batchId, jobs: total };
  if (answer === 'lost') throw busy(batchId);
  throw new SpeechAiError(
    'IMPORT_INCOMPLETE',
    `The batch ${batchId} does not hold the ${total} jobs that were written; it was left inactive.`,
    {
      remedy: 'Another program has changed its jobs. Run the import again: it begins this batch afresh.',
      exitCode: EXIT.tryAgain,
    },
  );
}

function busy(batchId: string): SpeechAiError {
  return new SpeechAiError(
    'IMPORT_UNDER_WAY',
    `Another import of this file is writing the batch ${batchId}, or was until less than a minute ago.`,
    {
      remedy: `Wait a minute, then run it again: it says what is there, or completes it. If this stays, \`speechai batch delete ${batchId}\` and import anew.`,
      exitCode: EXIT.tryAgain,
    },
  );
}
