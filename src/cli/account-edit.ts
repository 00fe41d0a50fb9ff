/** `account set`: limits, clock and name of an account; what could not be understood later is refused now. */
import { accountChanges, readAccountEdits, type AccountChange } from '../domain/account-edit.js';
import { EXIT, SpeechAiError, type ExitCode } from '../domain/errors.js';
import { readAccount } from '../domain/read-account.js';
import { accountZone } from '../domain/zones.js';
import { accountAdmin, accountOrExit } from './account-view.js';
import { printJson, printTable, say } from './output.js';
import type { Session } from './session.js';

export interface EditOptions {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export async function setAccount(session: Session, ref: string, words: readonly string[], options: EditOptions): Promise<ExitCode> {
  const { doc, account } = await accountOrExit(session, ref);
  // A date is meant on the clock that the account has afterwards; one that is none is told below.
  const [zone] = words.flatMap((word) => /^timezone=(.+)$/.exec(word)?.[1] ?? []);
  const after = zone === undefined ? account : readAccount({ ...doc, timezone: zone });
  const reading = readAccountEdits(words, accountZone(after, session.policy).name);
  if (reading.kind === 'wrong') throw refused(reading.problems);
  const { changes, problems, account: then } = accountChanges(doc, reading.set);
  if (problems.length > 0) throw refused(problems);
  const dry = options.dryRun === true;
  if (!dry && changes.length > 0 && (await accountAdmin(session).edit(account.id, reading.set, session.by)) === 0) {
    throw new SpeechAiError('NO_SUCH_ACCOUNT', `The account ${account.id} was deleted meanwhile.`, {
      remedy: '`speechai account list` shows what is there.',
    });
  }
  if (options.json === true) printJson({ account_id: account.id, dry_run: dry, changes });
  else if (changes.length > 0)
    await printTable(
      ['setting', 'before', 'after'],
      changes.map(({ key, before, after: now }) => [key, shown(key, before), shown(key, now)]),
    );
  say(outcome(account.id, changes, dry));
  for (const problem of then.problems) say(`still not understood, so nothing of it is dialled: ${problem}`);
  return EXIT.ok;
}

function outcome(id: string, changes: readonly AccountChange[], dry: boolean): string {
  if (changes.length === 0) return `${id} is as it was: nothing of it would change.`;
  return dry ? 'Nothing was written: this was a dry run.' : `${id} is changed; daemons go by it before their next dial.`;
}

const NONE: Readonly<Record<string, string>> = { timezone: "its country's", expires_at: 'never' };

const shown = (key: string, value: unknown): string =>
  value === null || value === undefined ? (NONE[key] ?? 'no limit of its own') : typeof value === 'string' ? value : JSON.stringify(value);

function refused(problems: readonly string[]): SpeechAiError {
  return new SpeechAiError('NOT_UNDERSTOOD', `Nothing was changed: ${problems.join('; ')}.`, {
    remedy: 'See `speechai account set --help` for the keys and how their values are written.',
    exitCode: EXIT.usage,
  });
}
