/** How a command fails: a code, one sentence, what to do, an exit code. A stack only for those who asked for it. */
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { maskKeyShapes } from '../config/mask.js';
import type { ExitCode } from '../domain/errors.js';
import { EXIT, messageOf, SpeechAiError } from '../domain/errors.js';
import { paint, say } from './output.js';

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly exitCode: ExitCode;
}

/** By name, because the driver is not loaded for commands that never use it. */
const DATABASE_AWAY =
  /^Mongo(?:Network|NetworkTimeout|ServerSelection|TopologyClosed|PoolCleared|PoolClosed|ConnectionPoolCleared|WaitQueueTimeout|NotConnected)Error$|^PoolCleared/;
/** What a member of a set answers that is no primary any more, or not yet; a write that was interrupted may be done. */
const ELECTION_CODES: ReadonlySet<unknown> = new Set([91, 189, 10107, 11600, 11602, 13435, 13436]);
const NETWORK_CODES = /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_)/;

export interface ActionOptions {
  /** The command ends on signals by itself, as `run` does. */
  readonly ownSignals?: boolean;
  /** It only prints, and much of it: once nobody reads any more (`| head`) there is nothing left to do. */
  readonly onlyPrints?: boolean;
}

/** Whether the command at work ends where its reader went away. One that writes has to finish what it began. */
let endsWithReader = false;

/** Wraps the action of a command. What it returns, if anything, is the exit code. */
export function runAction<Args extends unknown[]>(
  action: (...args: Args) => Promise<ExitCode | void> | ExitCode | void,
  options: ActionOptions = {},
): (...args: Args) => Promise<void> {
  return async (...args) => {
    const interrupt = (): void => process.exit(EXIT.interrupted);
    endsWithReader = options.onlyPrints === true;
    if (options.ownSignals !== true) process.once('SIGINT', interrupt);
    try {
      const code = await action(...args);
      if (code !== undefined) process.exitCode = code;
    } catch (thrown) {
      process.exitCode = reportFailure(thrown, wantsStack(args.at(-1)));
    } finally {
      process.removeListener('SIGINT', interrupt);
    }
  };
}

/** Runs the whole command line and gives the code to exit with. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<number> {
  // `speechai job list | head` closes the pipe early, and that is no error; what is written from then on is nobody's.
  const onError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE' && endsWithReader) process.exit(process.exitCode ?? EXIT.ok);
    if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return;
    // Nobody else waits for it: a full disk behind `> file`.
    process.exit(reportFailure(error, wantsStack(program)));
  };
  const onNotice = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') process.exit(EXIT.failed);
  };
  process.stdout.on('error', onError);
  process.stderr.on('error', onNotice);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? EXIT.ok);
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportFailure(thrown, wantsStack(program));
  } finally {
    process.stdout.removeListener('error', onError);
    process.stderr.removeListener('error', onNotice);
  }
}

/** Says what went wrong on stderr and gives the exit code. */
export function reportFailure(thrown: unknown, withStack: boolean): ExitCode {
  const failure = failureOf(thrown);
  say(`${paint('red', 'error', process.stderr)} ${failure.code}: ${failure.message}`);
  if (failure.remedy !== '') say(`  -> ${failure.remedy}`);
  if (withStack && thrown instanceof Error) say(maskKeyShapes(stackOf(thrown)));
  return failure.exitCode;
}

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof SpeechAiError) {
    return { code: thrown.code, message: oneLine(thrown.message), remedy: thrown.remedy, exitCode: thrown.exitCode };
  }
  const message = oneLine(messageOf(thrown));
  const name = thrown instanceof Error ? thrown.name : '';
  if (DATABASE_AWAY.test(name)) {
    return {
      code: 'DATABASE_AWAY',
      message: `MongoDB does not answer (${message}).`,
      remedy: 'Check MONGO_URI with `speechai config check --connect`, and that the server is up; then try again.',
      exitCode: EXIT.tryAgain,
    };
  }
  if (name === 'MongoServerError' && thrown instanceof Error && 'code' in thrown && ELECTION_CODES.has(thrown.code)) {
    return {
      code: 'DATABASE_ELECTION',
      message: `MongoDB is choosing another primary (${message}).`,
      remedy: 'Try again in some seconds; look first where a part may be done.',
      exitCode: EXIT.tryAgain,
    };
  }
  if (name === 'MongoWriteConcernError') {
    return {
      code: 'DATABASE_UNCONFIRMED',
      message: `MongoDB did it, but too few of its members confirmed it in time (${message}).`,
      remedy: 'See that all members of the replica set are up, then look whether it was done.',
      exitCode: EXIT.tryAgain,
    };
  }
  if (NETWORK_CODES.test(codeOf(thrown))) {
    return {
      code: 'NETWORK_AWAY',
      message: `A server cannot be reached (${codeOf(thrown)}: ${message}).`,
      remedy: 'Look at `speechai config check --connect`, then try again.',
      exitCode: EXIT.tryAgain,
    };
  }
  return {
    code: 'UNEXPECTED',
    message,
    remedy: 'Run it again with --verbose to see where it happened.',
    exitCode: EXIT.failed,
  };
}

function wantsStack(command: unknown): boolean {
  const asked = isCommand(command) && command.optsWithGlobals<{ verbose?: boolean }>().verbose === true;
  return asked || /^(?:debug|trace)$/i.test(process.env['LOG_LEVEL'] ?? '');
}

function isCommand(value: unknown): value is Command {
  return typeof value === 'object' && value !== null && 'optsWithGlobals' in value;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** Messages of libraries run over many lines, and may quote what they were given. */
function oneLine(message: string): string {
  return maskKeyShapes(message.replace(/\s+/g, ' ').trim());
}
