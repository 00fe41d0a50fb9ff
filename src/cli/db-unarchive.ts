/** `speechai db unarchive`: a history that was moved out, back into the database. */
import type { Command } from 'commander';
import { checkArchive, type ArchiveHeader } from '../archive/file.js';
import { busy, moveBack, notTheFile } from '../archive/move.js';
import { readArchived } from '../domain/archived.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { createArchive } from '../store/archive.js';
import { isStale, progressOf } from './archive-watch.js';
import { untilSignal } from './next-signal.js';
import { confirm, printJson, say } from './output.js';
import { withSession, type Session } from './session.js';
import { count } from './settings.js';

export interface UnarchiveOptions {
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export function unarchiveCommand(path: string, options: UnarchiveOptions, command: Command): Promise<ExitCode> {
  return withSession(command, async (session) => {
    const { header, counts } = await checkArchive(path);
    const database = session.store.connection.db.databaseName;
    const origin = header.database === database ? '' : ` (it comes from the database ${header.database})`;
    if (header.database !== database && options.force !== true) {
      throw new SpeechAiError('OTHER_DATABASE', `It was taken out of the database ${header.database}, and this is ${database}.`, {
        remedy: 'Set MONGO_DB to that one, or add --force when this one is meant; the batch itself is not in the file.',
        exitCode: EXIT.usage,
      });
    }
    const question = `Put ${count(counts.jobs, 'job')} and ${count(counts.attempts, 'call')} of ${header.batch} back into ${database}?${origin}`;
    if (!(await confirm(question, { yes: options.yes === true }))) return EXIT.failed;
    await refuseStrange(session, path, header);
    const { put, differ, refused } = await untilSignal(
      () => `Stopped: some of ${header.batch} may be back already. The same command goes on with it; the file stays whole.`,
      () => moveBack(createArchive(session.store.connection), path, progressOf(header.batch)),
    );
    if (options.json === true) printJson({ batch_id: header.batch, documents: { put_back: put, there_in_another_form: differ, refused } });
    say(`${header.batch}: ${count(put, 'document')} put back.`);
    if (differ > 0) say(`${count(differ, 'document')} there in another form by now: left as they are. The file still has the older form.`);
    if (refused > 0)
      say(
        `${count(refused, 'document')} not put back: another document already uses a value that must be unique. The file still has them.`,
      );
    if (differ + refused === 0) say('The file stays; it is not needed any more.');
    return refused === 0 ? EXIT.ok : EXIT.found;
  });
}

/** What a batch has taken out twice would be counted twice: by an entry of its own, and as what is here. */
async function refuseStrange(session: Session, path: string, { batch, id }: ArchiveHeader): Promise<void> {
  const [doc] = await session.store.campaigns.batches([batch]);
  const entries = readArchived(doc?.['archived']);
  if (entries.some((entry) => ['writing', 'moving'].includes(entry.state) && !isStale(session, entry))) throw busy(batch);
  if (entries.length > 0 && !entries.some((entry) => entry.id === id)) throw notTheFile(path, batch);
}
