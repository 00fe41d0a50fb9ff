/** The log and the journal. Nothing reaches pino, a stream or a file without having passed the redactor. */
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Settings } from '../config/settings.js';
import type { Journal, Log, LogFields } from '../domain/ports.js';
import { openLogFiles } from './files.js';
import { LEVELS, type Level, levelNamed } from './levels.js';
import { prettyLine } from './pretty.js';
import { type PlainValue, type Redactor, createRedactor } from './redact.js';

export type LoggingOptions = Settings['logging'] & {
  readonly env: string;
  /** Of the effective settings; when given, the first line of the log carries it. */
  readonly fingerprint?: string;
  /** Values that must appear nowhere: the provider's key, the database's password, the alert URL. */
  readonly secrets?: readonly string[];
};

/** Where a command's own lines go; a terminal or a test may give another. */
export interface LogStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface LogStreams {
  /** Standard output unless given. Commands that print data there give standard error. */
  readonly out?: LogStream;
  /** What the lines are stamped with; the machine's clock unless given. */
  readonly now?: () => Date;
}

export interface Logging {
  readonly log: Log;
  readonly journal: Journal;
  /** Opens the files again: call it on SIGHUP, after logrotate has renamed them. */
  reopen(): void;
  flush(): Promise<void>;
  close(): Promise<void>;
}

const ROOT_COMPONENT = 'app';
const JOURNAL_COMPONENT = 'journal';
const RESERVED = new Set(['level', 'time', 'pid', 'component', 'msg', 'event']);

type PlainFields = Record<string, PlainValue>;

/** JSON allows a name twice and every reader then sees another value; the line's own names win. */
function withoutReserved(fields: PlainFields): PlainFields {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [RESERVED.has(key) ? `${key}_` : key, value]));
}

interface Output {
  write(text: string): void;
  flush(): Promise<void>;
  readonly isTerminal: boolean;
}

function openOutput(stream: LogStream | undefined): Output {
  if (stream !== undefined) {
    return { write: (text) => void stream.write(text), flush: () => Promise.resolve(), isTerminal: stream.isTTY === true };
  }
  // Synchronous: a line that was logged is out of the process before the next instruction, whatever kills it.
  const standardOutput = pino.destination({ dest: 1, sync: true });
  // A reader that went away (`| head`) must not take the daemon with it.
  standardOutput.on('error', () => undefined);
  return {
    write: (text) => void standardOutput.write(text),
    flush: () => Promise.resolve(),
    isTerminal: process.stdout.isTTY === true,
  };
}

function createSink(options: LoggingOptions, streams: LogStreams, redactor: Redactor) {
  const output = openOutput(streams.out);
  const files = options.dir === null ? null : openLogFiles({ ...options, dir: options.dir });
  const isPretty = options.format === 'pretty' || (options.format === 'auto' && output.isTerminal && options.env !== 'production');
  const colours = isPretty && output.isTerminal && (process.env['NO_COLOR'] ?? '') === '';
  let closed = false;

  const timeOf = (line: string): string => line.slice(line.indexOf('"time":"') + 8).slice(0, 24);
  const print = (line: string): void => output.write(isPretty ? prettyLine(line, colours) : line);

  function guarded(write: () => void): void {
    if (closed) return;
    try {
      write();
    } catch {
      // A log that cannot be written is not a reason to stop calling, and there is nobody left to tell.
    }
  }

  return {
    hasJournalFile: files !== null,
    line(component: string, level: string, raw: string): void {
      const line = redactor.line(raw);
      guarded(() => print(line));
      guarded(() => files?.write(component, level, line, timeOf(line)));
    },
    journalLine(raw: string): void {
      const line = redactor.line(raw);
      // On a full disk the trail goes on where it can still be kept.
      guarded(() => {
        if (files?.writeJournal(line, timeOf(line)) !== true) print(line);
      });
    },
    reopen: () => files?.reopen(),
    flush: output.flush,
    close(): void {
      closed = true;
      files?.close();
    },
  };
}

export function createLogging(options: LoggingOptions, streams: LogStreams = {}): Logging {
  const redactor = createRedactor(options.secrets ?? []);
  const sink = createSink(options, streams, redactor);
  const { now } = streams;
  const loggers = new Map<string, Logger>();

  function pinoFor(component: string, level: string, destination: DestinationStream): Logger {
    return pino(
      {
        level,
        base: { pid: process.pid, component },
        messageKey: 'msg',
        timestamp: now === undefined ? pino.stdTimeFunctions.isoTime : () => `,"time":"${now().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    );
  }

  const levelOf = (component: string): string => levelNamed(options.levels[component] ?? options.level);

  function loggerFor(component: string): Logger {
    const known = loggers.get(component);
    if (known !== undefined) return known;
    const destination = {
      [Symbol.for('pino.metadata')]: true,
      lastLevel: 30,
      write(line: string): void {
        sink.line(component, pino.levels.labels[this.lastLevel] ?? 'info', line);
      },
    };
    const logger = pinoFor(component, levelOf(component), destination);
    loggers.set(component, logger);
    return logger;
  }

  function logOf(component: string, bound: PlainFields): Log {
    const logger = loggerFor(component);
    const at =
      (level: Level) =>
      (message: string, fields?: LogFields): void => {
        // Before anything is looked at: a silent debug line costs a comparison.
        if (!logger.isLevelEnabled(level)) return;
        const shown = fields === undefined ? bound : { ...bound, ...withoutReserved(redactor.fields(fields)) };
        logger[level](shown, redactor.text(String(message)));
      };
    const [trace, debug, info, warn, error, fatal] = LEVELS.map(at);
    return {
      trace: trace ?? at('trace'),
      debug: debug ?? at('debug'),
      info: info ?? at('info'),
      warn: warn ?? at('warn'),
      error: error ?? at('error'),
      fatal: fatal ?? at('fatal'),
      child: (name, fields) => {
        const clean = redactor.text(name);
        return logOf(clean, fields === undefined ? bound : { ...bound, ...withoutReserved(redactor.fields(fields)) });
      },
    };
  }

  const log = logOf(ROOT_COMPONENT, {});
  const journalLogger = sink.hasJournalFile
    ? pinoFor(JOURNAL_COMPONENT, 'info', { write: (line: string) => sink.journalLine(line) })
    : // Its own level: LOG_LEVEL=error must not silence the audit trail.
      pinoFor(JOURNAL_COMPONENT, levelNamed(options.levels[JOURNAL_COMPONENT] ?? 'info'), {
        write: (line: string) => sink.line(JOURNAL_COMPONENT, 'info', line),
      });
  const journal: Journal = {
    write: (event, fields) => journalLogger.info({ event: redactor.text(event), ...withoutReserved(redactor.fields(fields)) }),
  };

  if (options.fingerprint !== undefined) log.info('logging starts', { env: options.env, fingerprint: options.fingerprint });
  return {
    log,
    journal,
    reopen: sink.reopen,
    flush: sink.flush,
    close: async () => {
      await sink.flush();
      sink.close();
    },
  };
}
