/** `batch create` and `batch set`: validated by the reader of batches before anything is written, so that no change closes a batch unseen. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { applyEdit, newProblems, readEdits, type BatchEdit } from '../domain/batch-edit.js';
import { EXIT, SpeechAiError, messageOf, type ExitCode } from '../domain/errors.js';
import { hoursAdvice } from '../domain/hours-advice.js';
import { get, record } from '../domain/lenient.js';
import { readAccount } from '../domain/read-account.js';
import { readBatch } from '../domain/read-batch.js';
import { batchZone } from '../domain/zones.js';
import { createBatchAdmin } from '../store/batch-admin.js';
import { batchOrExit } from './batch-view.js';
import { packsOf } from './job-find.js';
import { print, printJson, say } from './output.js';
import type { Session } from './session.js';
import { packName, packNamed } from '../domain/rules.js';

export interface CreateOptions {
  readonly account: string;
  readonly id?: string;
  readonly settings?: string;
  readonly paused?: boolean;
  readonly json?: boolean;
}

export async function createBatch(session: Session, name: string, words: readonly string[], options: CreateOptions): Promise<ExitCode> {
  if (name.trim() === '') {
    throw new SpeechAiError('BATCH_NAME', 'A batch needs a name.', {
      remedy: "Give one in quotes: speechai batch create 'November' --account ID.",
      exitCode: EXIT.usage,
    });
  }
  const account = await accountOrExit(session, options.account);
  const base = {
    account_id: account.id,
    batch_id: options.id ?? newBatchId(session.store.time.now()),
    name,
    description: '',
    total_jobs: 0,
    pending_jobs: 0,
    completed_jobs: 0,
    failed_jobs: 0,
    suspended_jobs: 0,
    total_cost: 0,
    total_minutes: 0,
    estimated_cost: 0,
    is_active: options.paused !== true,
    ...(options.paused === true ? { paused_by: session.by, paused_at: session.store.time.now(), state_reason: 'created paused' } : {}),
    priority: 1,
    call_settings: options.settings === undefined ? null : await settingsFile(options.settings),
    created_at: session.store.time.now(),
    started_at: null,
    completed_at: null,
    updated_at: session.store.time.now(),
    created_by: session.by,
  };
  const edit = editsOrExit(words, batchZone(readBatch(base), account, session.policy).name);
  const doc = applyEdit(base, edit);
  const { advice } = await refuse(session, {}, doc, account.country);
  if ((await createBatchAdmin(session.store.connection).create({ ...doc })) === 'exists') {
    throw new SpeechAiError('BATCH_EXISTS', `There is a batch ${base.batch_id} already.`, {
      remedy: 'Choose another --id, or leave it out.',
    });
  }
  if (options.json === true) printJson({ batch_id: base.batch_id, name, account_id: account.id, state: readBatch(doc).state });
  else print(base.batch_id);
  say(
    `${base.batch_id} is created${options.paused === true ? ', paused' : ''}; it has no jobs yet (\`speechai batch import\`, \`speechai job add\`).`,
  );
  for (const text of advice) say(`warning: ${text}`);
  return EXIT.ok;
}

export async function setBatch(session: Session, ref: string, words: readonly string[], json: boolean): Promise<ExitCode> {
  const doc = await batchOrExit(session, ref);
  const before = readBatch(doc);
  const [found] = before.account === null ? [] : await session.store.campaigns.accounts([before.account]);
  const account = found === undefined ? 'missing' : readAccount(found);
  const zoneAfter = words.map((word) => /^(?:call_settings\.)?timezone=(.+)$/.exec(word)?.[1]).find((zone) => zone !== undefined);
  const edit = editsOrExit(words, zoneAfter ?? batchZone(before, account, session.policy).name);
  const after = applyEdit(doc, edit);
  const { batch, advice } = await refuse(session, doc, after, account === 'missing' ? null : account.country);
  if ((await createBatchAdmin(session.store.connection).edit(doc, edit)) === 0) {
    throw new SpeechAiError('NO_SUCH_BATCH', `The batch ${ref} was deleted meanwhile.`, {
      remedy: '`speechai batch list` shows what is there.',
    });
  }
  if (json)
    printJson({
      batch_id: batch.id,
      set: { ...edit.root, ...edit.settings },
      removed: edit.unset.filter((path) => path.split('.').reduce<unknown>((part, key) => get(part, key), doc) !== undefined),
    });
  say(`${batch.id ?? ref} is changed; daemons go by it before their next dial.`);
  for (const text of advice) say(`warning: ${text}`);
  for (const problem of batch.problems) say(`still not understood, so nothing of it is dialled: ${problem}`);
  return EXIT.ok;
}

export function editsOrExit(words: readonly string[], zone: string, outcome = 'Nothing was changed'): BatchEdit {
  const reading = readEdits(words, zone);
  if (reading.kind === 'edit') return reading.edit;
  throw new SpeechAiError('NOT_UNDERSTOOD', `${outcome}: ${reading.problems.join('; ')}.`, {
    remedy: 'See `speechai batch set --help` for the keys and how their values are written.',
    exitCode: EXIT.usage,
  });
}

/** What the change would break is said, and nothing is written. */
async function refuse(
  session: Session,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  country: string | null,
) {
  const { batch, problems } = newProblems(before, after);
  const packs = await packsOf(session);
  const known = batch.rules === null || packNamed(batch.rules, country, packs) !== null;
  const all = [...problems, ...(known ? [] : [`there is no rule pack named "${packName(batch.rules ?? '', country)}"`])];
  if (all.length === 0) return { batch, advice: hoursAdvice(batch, packNamed(batch.rules ?? session.policy.defaultRules, country, packs)) };
  throw new SpeechAiError('BATCH_UNREADABLE', `Nothing was changed, because the batch would be closed: ${all.join('; ')}.`, {
    remedy: 'See `speechai batch set --help` for how the values are written.',
    exitCode: EXIT.usage,
  });
}

export async function accountOrExit({ store }: Session, id: string) {
  const [doc] = await store.campaigns.accounts([id]);
  if (doc !== undefined) return readAccount(doc);
  throw new SpeechAiError('NO_SUCH_ACCOUNT', `There is no account ${id}.`, {
    remedy: '`speechai account list` shows them, `speechai account create` makes one.',
  });
}

async function settingsFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  let read: unknown;
  try {
    read = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new SpeechAiError('SETTINGS_FILE', `${path} cannot be read as JSON: ${messageOf(error)}`, {
      remedy: 'Give a file with the call_settings object.',
      exitCode: EXIT.usage,
    });
  }
  const settings = record(read);
  if (settings !== null) return settings;
  throw new SpeechAiError('SETTINGS_FILE', `${path} holds no object.`, {
    remedy: 'Give a file with the call_settings object.',
    exitCode: EXIT.usage,
  });
}

/** SpeechAI's own form of an id made by its API. */
function newBatchId(now: Date): string {
  return `batch-${now.toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(4).toString('hex')}`;
}
