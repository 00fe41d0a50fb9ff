/**
 * The first two passes of an import. The first reads the file row by row and sorts the rows by contact on disk; the second makes contacts of them
 * and asks the database about each. Nothing is written to the database.
 */
import type { Account } from '../domain/account.js';
import type { Suppression } from '../domain/decision.js';
import { personsOf } from '../domain/job.js';
import { cuitsOf, personHash } from '../domain/person.js';
import { lineHash } from '../domain/phones.js';
import { readJob } from '../domain/read-job.js';
import { missingVariables } from '../domain/variables.js';
import type { Store } from '../store/store.js';
import { cellText, type TableRow } from './cells.js';
import { mapColumns, type Columns, type Mapping } from './columns.js';
import { groupRows, type ContactDraft } from './contact.js';
import { createTally, type Counts, type Reason } from './counts.js';
import { dniOf, jobDocument, type BatchPaper } from './documents.js';
import type { JobIds } from './identity.js';
import type { ImportSettings } from './import-settings.js';
import type { Rejects } from './rejects.js';
import { EFFECT_COLUMN } from './reject-table.js';
import { refuseFile } from './refuse.js';
import { readRow, type ImportRow, type Remark } from './row.js';
import type { Scratch, ScratchList } from './scratch.js';

export interface PlanOptions {
  readonly account: Account;
  readonly mappings: readonly Mapping[];
  readonly allowDuplicates: boolean;
  readonly settings: ImportSettings;
  readonly store: Pick<Store, 'campaigns' | 'attempts' | 'imports'>;
  readonly now: Date;
  /** YYYY-MM-DD on the account's clock. */
  readonly today: string;
  readonly rejects: Pick<Rejects, 'add'>;
  readonly progress: (phase: 'read' | 'checked', count: number) => void;
}

export interface Plan {
  readonly columns: Columns;
  readonly counts: Counts;
  /** The most frequent first. */
  readonly why: readonly Reason[];
  /** The first contacts of the file. */
  readonly sample: readonly ContactDraft[];
  readonly accepted: ScratchList;
}

/** What SpeechAI's collection prompt names; only those of the settings file reject a contact. */
const PROMPT_VARIABLES = ['nombre', 'empresa', 'monto_total', 'fecha_limite', 'fecha_maxima'];
const TOGETHER = 500;
const SAMPLE = 5;
const DAY_MS = 86_400_000;
/** Rows of a reject file whose contact is in the batch that the file was made for. */
const PASSED_OVER: ReadonlySet<string> = new Set<Remark['effect']>(['row repeated', 'number left out', 'kept']);

export async function planImport(rows: AsyncIterable<TableRow>, scratch: Scratch, options: PlanOptions): Promise<Plan> {
  const tally = createTally();
  const { counts } = tally;
  const tell = (remarks: readonly Remark[]): void => {
    for (const remark of remarks) {
      options.rejects.add(remark);
      tally.remark(remark);
    }
  };
  const columns = await sortRows(rows, scratch, options, counts, tell);
  const accepted = scratch.list('accepted');
  const sample: ContactDraft[] = [];
  let checked = 0;
  for await (const part of scratch.parts()) {
    const drafts = contactsIn(part, options.allowDuplicates, tell);
    for (let from = 0; from < drafts.length; from += TOGETHER) {
      const group = drafts.slice(from, from + TOGETHER);
      for (const contact of await judge(group, options, counts, tell)) {
        accepted.add(contact);
        tally.contact(contact, options.settings, options.today);
        keepFirst(sample, contact);
      }
      checked += group.length;
      options.progress('checked', checked);
    }
  }
  return { columns, counts, why: tally.close(), sample, accepted };
}

async function sortRows(
  rows: AsyncIterable<TableRow>,
  scratch: Scratch,
  { account, mappings, allowDuplicates, progress }: PlanOptions,
  counts: Counts,
  tell: (remarks: readonly Remark[]) => void,
): Promise<Columns> {
  let columns: Columns | null = null;
  let effectAt = -1;
  const country = account.country.toUpperCase();
  for await (const table of rows) {
    if (columns === null) {
      columns = mapColumns(table.cells, mappings);
      effectAt = table.cells.findIndex((cell) => cellText(cell) === EFFECT_COLUMN);
      continue;
    }
    counts.rows += 1;
    const effect = cellText(table.cells[effectAt]);
    if (PASSED_OVER.has(effect)) {
      const reason = `a reject file: the contact of this row was imported already (empty its ${EFFECT_COLUMN} to import it all the same)`;
      tell([{ line: table.line, column: '', value: '', reason, effect: 'row repeated' }]);
      continue;
    }
    const { row, remarks } = readRow(table, { columns, country, allowDuplicates });
    tell(remarks);
    if (row !== null) scratch.put(row.key, row);
    if (counts.rows % 5_000 === 0) progress('read', counts.rows);
  }
  if (columns === null || counts.rows === 0) throw refuseFile('The file holds no rows below its header.', 'Export it again with its rows.');
  return columns;
}

/** `part` came from this process a moment ago: what was put is what comes back. */
function contactsIn(
  part: readonly unknown[],
  allowDuplicates: boolean,
  tell: (remarks: readonly Remark[]) => void,
): readonly ContactDraft[] {
  const groups = new Map<string, ImportRow[]>();
  for (const row of part as readonly ImportRow[]) {
    const group = groups.get(row.key);
    if (group === undefined) groups.set(row.key, [row]);
    else group.push(row);
  }
  return [...groups.values()].flatMap((group) => {
    const { contact, remarks } = groupRows(group, allowDuplicates);
    tell(remarks);
    return contact ?? [];
  });
}

/** What the database knows of these people: who waits elsewhere, who may not be called, who was called lately. */
async function judge(
  drafts: readonly ContactDraft[],
  options: PlanOptions,
  counts: Counts,
  tell: (remarks: readonly Remark[]) => void,
): Promise<readonly ContactDraft[]> {
  const { account, allowDuplicates, settings, store, now } = options;
  const lines = [...new Set(drafts.flatMap(({ phones }) => phones.map(lineHash)))];
  const persons = [...new Set(drafts.flatMap(personsIn))];
  const [waiting, suppressions, history] = await Promise.all([
    allowDuplicates
      ? new Map<string, string>()
      : store.imports.waitingElsewhere(
          account.id,
          drafts.flatMap(({ dni }) => spellingsOf(dni, account.country)),
          null,
        ),
    store.campaigns.suppressions(lines, persons),
    settings.recentDays === 0 ? [] : store.attempts.history(lines, persons, new Date(now.getTime() - settings.recentDays * DAY_MS)),
  ]);
  const inForce = suppressions.filter(
    ({ account: of, batch, expiresAt }) => (of === null || of === account.id) && batch === null && (expiresAt === null || expiresAt > now),
  );
  const called = new Set(history.flatMap(({ line, person }) => (person === null ? [line] : [line, person])));
  return drafts.flatMap((draft) => {
    const elsewhere = spellingsOf(draft.dni, account.country).flatMap((dni) => waiting.get(dni) ?? [])[0];
    if (elsewhere !== undefined) {
      counts.alreadyWaiting += 1;
      tell([whole(draft, `the person waits in ${elsewhere} already (--allow-duplicates takes them all the same)`)]);
      return [];
    }
    const contact = withoutSuppressed(draft, inForce, tell);
    if (contact === null) {
      counts.suppressed += 1;
      return [];
    }
    const missing = missingIn(contact, options);
    const required = missing.filter((name) => settings.requiredVariables.includes(name));
    for (const name of missing) counts.missing[name] = (counts.missing[name] ?? 0) + 1;
    if (required.length > 0) {
      tell([whole(contact, `the prompt needs ${required.join(', ')}, which the row does not give`)]);
      return [];
    }
    if (personsIn(contact).some((person) => called.has(person)) || contact.phones.some((phone) => called.has(lineHash(phone))))
      counts.recentlyCalled += 1;
    return [contact];
  });
}

function withoutSuppressed(
  draft: ContactDraft,
  suppressions: readonly Suppression[],
  tell: (remarks: readonly Remark[]) => void,
): ContactDraft | null {
  const persons = personsIn(draft);
  const blocked = suppressions.find((each) => each.person !== null && persons.includes(each.person));
  if (blocked !== undefined) {
    tell([whole(draft, `the person may not be called: ${blocked.reason}`)]);
    return null;
  }
  const phones = draft.phones.filter((phone) => {
    const line = lineHash(phone);
    const block = suppressions.find((each) => each.line === line);
    if (block !== undefined)
      tell([
        { line: draft.line, column: '', value: phone, reason: `the number may not be called: ${block.reason}`, effect: 'number left out' },
      ]);
    return block === undefined;
  });
  if (phones.length > 0) return { ...draft, phones };
  tell([whole(draft, 'none of its numbers may be called')]);
  return null;
}

/** Asked of the job as it would be, without the placeholders that stand where the file says nothing. */
function missingIn(contact: ContactDraft, { account, settings, now }: PlanOptions): readonly string[] {
  const paper: BatchPaper = {
    batchId: 'preview',
    importId: 'preview',
    account,
    name: '',
    createdAt: now,
    settings,
    today: '',
    dates: { due: settings.dueInDays === null ? null : 'known', max: settings.maxInDays === null ? null : 'known' },
  };
  const doc = jobDocument({ ...contact, phones: [] }, paper, PREVIEW_IDS);
  const payload: unknown = doc['payload'];
  const reading = readJob(
    { ...doc, _id: 'preview', payload: contact.amount === null ? { ...(payload as object), debt_amount: null } : payload },
    account.country,
  );
  if (reading.kind !== 'job') return [];
  return missingVariables(reading.job, [...new Set([...PROMPT_VARIABLES, ...settings.requiredVariables])]);
}

const PREVIEW_IDS: JobIds = { documentId: () => 'preview', jobId: () => 'preview' };

function whole(contact: ContactDraft, reason: string): Remark {
  return { line: contact.line, column: '', value: dniOf(contact), reason, effect: 'row rejected' };
}

function keepFirst(sample: ContactDraft[], contact: ContactDraft): void {
  sample.push(contact);
  sample.sort((a, b) => a.line - b.line);
  sample.splice(SAMPLE);
}

const personsIn = ({ dni, formerPerson }: ContactDraft): readonly string[] => personsOf({ person: personHash(dni), formerPerson });

/** Other programs write a person's CUIT where an import writes the DNI. */
function spellingsOf(dni: string | null, country: string): readonly string[] {
  return dni === null ? [] : country.toUpperCase() === 'AR' ? [dni, ...cuitsOf(dni)] : [dni];
}
