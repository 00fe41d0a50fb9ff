/**
 * `speechai simulator`: a local Retell, its number table, and the audit of its ledger. Everything but the tables that --help prints is
 * imported when a command runs: `speechai run` must never load a simulator.
 */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import type { Violation } from '../simulator/audit.js';
import { FAULT_KINDS } from '../simulator/fault-kinds.js';
import type { FaultSpec } from '../simulator/faults.js';
import type { LedgerEntry } from '../simulator/ledger.js';
import { PATTERNS, describePatterns } from '../simulator/patterns.js';

interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly seed?: string;
  readonly speed: number;
  readonly concurrency: number;
  readonly cps: number;
  readonly key?: string;
  readonly agents?: readonly string[];
  readonly numbers?: string;
  readonly script?: string;
  readonly ledger?: string;
  readonly latency: number | [number, number];
  readonly fault: readonly string[];
  readonly requestLimits?: boolean;
  readonly retryAfter?: number;
  readonly indexLag: number;
  readonly hideRegistered?: boolean;
  readonly instant?: boolean;
}

const HELP = `
Numbers: the last three digits of the number that is called choose what happens.
${describePatterns()}
All other numbers follow believable odds (about 45 % no answer, 20 % voicemail, 20 % people of whom half a success, then busy,
bad numbers and faults of the provider). They depend on --seed, the number and its n-th dial alone, never on the order of calls.

Time: --speed makes rings, talks and analyses run faster. duration_ms and cost say what the call lasted at speed 1;
start_timestamp and end_timestamp are real, so a call of 76 s at --speed 100 lies within 0.76 s. Limits, latency and faults are in real time.

Control: GET URL/_sim lists the paths that inject faults, read the ledger and figures, and move the clock.

Examples:
  $ speechai simulator --port 8787 --speed 60 --ledger ledger.jsonl
  $ speechai simulator --fault accept-drop:0.02 --fault slow:0.05 --seed 7
  $ speechai simulator ledger http://127.0.0.1:8787 --check`;

export function registerSimulator(program: Command): void {
  const simulator = program
    .command('simulator')
    .description('serve a local Retell that calls nobody, for development and tests')
    .option('--port <n>', 'port to listen on, 0 for any free one', wholeNumber, 0)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--seed <text>', 'makes a run repeatable; another one each time without it')
    .option('--speed <x>', 'simulated seconds per real second', number, 1)
    .option('--concurrency <n>', 'calls live at once, 0 for no limit', wholeNumber, 20)
    .option('--cps <n>', 'call starts per second, 0 for no limit', wholeNumber, 1)
    .option('--key <key>', 'the only API key that is accepted')
    .option('--agents <ids>', 'the only agents there are, separated by commas', list)
    .option('--numbers <file>', 'the only numbers that may call, one a line')
    .option('--script <file>', 'JSON: outcomes per number, one per dial, the last one repeats')
    .option('--ledger <file>', 'append every dial and transition to this file, one JSON line each')
    .option('--latency <ms>', 'delay of every reply, or a range like 20-200', latency, 0)
    .option('--fault <kind[:probability]>', `repeatable; one of ${FAULT_KINDS.join(', ')}, or JSON`, collect, [])
    .option('--request-limits', 'limit requests as the provider does: 1000 creates, 30 lists, 100 reads in 10 s')
    .option('--retry-after <seconds>', 'send Retry-After with every 429', wholeNumber)
    .option('--index-lag <ms>', 'how late calls show in lists', wholeNumber, 0)
    .option('--hide-registered', 'leave ringing calls out of lists')
    .option('--instant', 'calls end as soon as they are created')
    .option('--json', 'first line on stdout is one JSON object with the url')
    .addHelpText('after', HELP)
    // So that `simulator ledger URL --json` gives --json to `ledger`.
    .enablePositionalOptions()
    .action(async (options: ServeOptions, command: Command) => serve(options, command.optsWithGlobals<{ json?: boolean }>().json === true));

  simulator
    .command('numbers')
    .description('list which last digits bring which outcome')
    .option('--json', 'as JSON')
    .action((_options: object, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
      print(
        json
          ? JSON.stringify(PATTERNS.map(({ digits, name, reason, status, text }) => ({ digits, name, reason, status, text })))
          : describePatterns(),
      );
    });

  simulator
    .command('ledger')
    .argument('<url-or-file>', 'a running simulator, or the file of --ledger')
    .description('print the record of who was called when, or check it')
    .option('--check', 'print every broken rule; exit 3 when there is one')
    .option('--concurrency <n>', 'check against this limit instead of the simulator’s', wholeNumber)
    .option('--cps <n>', 'check against this limit instead of the simulator’s', wholeNumber)
    .option('--json', 'as JSON')
    .action(async (source: string, options: { check?: boolean; concurrency?: number; cps?: number }, command: Command) => {
      const json = command.optsWithGlobals<{ json?: boolean }>().json === true;
      const { audit } = await import('../simulator/audit.js');
      const entries = await readLedger(source);
      if (options.check === true) {
        const violations = audit(entries, { concurrency: options.concurrency ?? null, callsPerSecond: options.cps ?? null });
        report(entries, violations, json);
        if (violations.length > 0) process.exitCode = EXIT.found;
      } else {
        print(json ? JSON.stringify(entries) : entries.map(describeEntry).join('\n'));
      }
    });
}

async function serve(options: ServeOptions, json: boolean): Promise<void> {
  const stopped = stopSignal();
  const [{ startSimulator }, { readScript }] = await Promise.all([import('../simulator/server.js'), import('../simulator/script.js')]);
  const running = await startSimulator({
    port: options.port,
    host: options.host,
    seed: options.seed,
    speed: options.speed,
    concurrency: options.concurrency === 0 ? null : options.concurrency,
    cps: options.cps === 0 ? null : options.cps,
    key: options.key,
    agents: options.agents,
    numbers: options.numbers === undefined ? null : await readNumbers(options.numbers),
    script: options.script === undefined ? null : readScript(await readJson(options.script), options.script),
    ledgerFile: options.ledger,
    latencyMs: options.latency,
    instant: options.instant,
    faults: await readFaults(options.fault),
    switches: {
      ...(options.requestLimits === true ? { createsPer10s: 1000, listsPer10s: 30, readsPer10s: 100 } : {}),
      retryAfterSeconds: options.retryAfter ?? null,
      indexLagMs: options.indexLag,
      hideRegistered: options.hideRegistered === true,
    },
  });
  if (json) {
    print(JSON.stringify({ url: running.url, port: running.port, seed: running.seed, speed: options.speed, pid: process.pid }));
  } else {
    print(`A local Retell listens on ${running.url} (seed ${running.seed}, speed ${options.speed}). It calls nobody. Ctrl-C ends it.`);
    print(`Use it with: RETELL_BASE_URL=${running.url} RETELL_API_KEY=${options.key ?? 'any'} speechai run`);
  }
  await stopped;
  await running.close();
}

/** Resolves at the first SIGTERM or SIGINT; listens before the port does, so that no early signal is missed. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.removeListener('SIGTERM', stop);
      process.removeListener('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

async function readLedger(source: string): Promise<readonly LedgerEntry[]> {
  if (!/^https?:\/\//.test(source)) {
    const { parseLedger } = await import('../simulator/ledger.js');
    return parseLedger(await readText(source));
  }
  try {
    const response = await fetch(new URL('/_sim/ledger', source));
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return (await response.json()) as LedgerEntry[];
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause.message : messageOf(thrown);
    throw new SpeechAiError('SIMULATOR_UNREACHABLE', `No simulator answers at ${source}: ${cause}`, {
      remedy: 'Start one with `speechai simulator`, or give the file of its --ledger.',
      cause: thrown,
    });
  }
}

function report(entries: readonly LedgerEntry[], violations: readonly Violation[], json: boolean): void {
  const dials = entries.filter((entry) => entry.event === 'dial').length;
  if (json) {
    print(JSON.stringify({ dials, violations }));
    return;
  }
  for (const violation of violations) print(`${violation.at}  ${violation.rule}  ${violation.text} (${violation.callIds.join(', ')})`);
  const doubles = violations.filter((violation) => violation.rule === 'double_dial').length;
  print(`dials: ${dials}, double dials: ${doubles}, broken rules: ${violations.length}`);
}

function describeEntry(entry: LedgerEntry): string {
  const parts = [
    entry.event.padEnd(10),
    entry.to ?? '',
    entry.status ?? '',
    entry.reason ?? entry.outcome ?? '',
    entry.durationMs === undefined || entry.durationMs === 0 ? '' : `${Math.round(entry.durationMs / 1000)} s`,
    entry.attemptId === undefined ? '' : `attempt ${entry.attemptId}`,
    entry.callId ?? '',
  ];
  return `${entry.at}  ${parts.filter((part) => part !== '').join('  ')}`;
}

async function readNumbers(file: string): Promise<string[]> {
  const lines = (await readText(file)).split(/[\s,]+/);
  return lines.map((line) => line.replace(/[^+\d]/g, '')).filter((line) => line.startsWith('+'));
}

async function readJson(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_FILE', `${file} is not JSON: ${messageOf(thrown)}`, {
      remedy: 'Correct the file, or leave the option out.',
      exitCode: EXIT.config,
      cause: thrown,
    });
  }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_FILE', `${file} cannot be read: ${messageOf(thrown)}`, {
      remedy: 'Give the path of a file that exists.',
      exitCode: EXIT.usage,
      cause: thrown,
    });
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new InvalidArgumentError('It must be a number of 0 or more.');
  return value;
}

function wholeNumber(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
  return value;
}

function list(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function latency(text: string): number | [number, number] {
  const [low = '', high] = text.split('-');
  return high === undefined ? number(low) : [number(low), number(high)];
}

const collect = (text: string, earlier: readonly string[]): string[] => [...earlier, text];

/** `KIND`, `KIND:PROBABILITY` or a JSON object. */
async function readFaults(texts: readonly string[]): Promise<FaultSpec[]> {
  const { faultSchema } = await import('../simulator/faults.js');
  return texts.map((text) => {
    const read = faultSchema.safeParse(text.startsWith('{') ? parsed(text) : shorthand(text));
    if (read.success) return read.data;
    throw new SpeechAiError('SIMULATOR_FAULT', `--fault ${text} is no fault.`, {
      remedy: `Write KIND or KIND:PROBABILITY, KIND one of ${FAULT_KINDS.join(', ')}, or a JSON object.`,
      exitCode: EXIT.usage,
    });
  });
}

function shorthand(text: string): object {
  const [kind, probability] = text.split(':');
  return { kind, ...(probability === undefined ? {} : { probability: Number(probability) }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
