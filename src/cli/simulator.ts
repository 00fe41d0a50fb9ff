/**
 * `speechai simulator`: a local Retell, its number table, and the audit of its ledger. Everything but the tables that --help prints is
 * imported when a command runs: `speechai run` must never load a simulator.
 */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { EXIT } from '../domain/errors.js';
import { FAULT_KINDS } from '../simulator/fault-kinds.js';
import { PATTERNS, describePatterns } from '../simulator/patterns.js';
import type { LedgerOptions } from './simulator-ledger.js';
import type { ServeOptions } from './simulator-serve.js';

const HELP = `
Numbers: the last three digits of the number that is called choose what happens.
${describePatterns()}
All other numbers follow believable odds (about 45 % no answer, 20 % voicemail, 20 % people of whom half a success, then busy,
bad numbers and faults of the provider). They depend on --seed, the number and its n-th dial alone, never on the order of calls.

Time: --speed makes rings, talks and analyses run faster. duration_ms and cost say what the call lasted at speed 1;
start_timestamp and end_timestamp are real, so a call of 76 s at --speed 100 lies within 0.76 s. Limits, latency and faults are in real time.

Endpoints: create-phone-call, get-call, list-calls (v3), stop-call, get-concurrency, list-phone-numbers, get-phone-number,
get-agent and get-api-key-info. Nothing can be updated or deleted, there are no batch, web or chat calls, and no webhook is sent.

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
    .option('--seed <text>', 'makes a run repeatable but for the ids of its calls; another one each time without it')
    .option('--speed <x>', 'simulated seconds per real second', number, 1)
    .option('--concurrency <n>', 'calls live at once, 0 for no limit', wholeNumber, 20)
    .option('--cps <n>', 'call starts per second, 0 for no limit', wholeNumber, 1)
    .addOption(new Option('--key <key>', 'the only API key that is accepted (seen by `ps`; better as --key-file)').env('SIMULATOR_KEY'))
    .addOption(new Option('--key-file <file>', 'a file that holds that key').env('SIMULATOR_KEY_FILE'))
    .option('--agents <ids>', 'the only agents there are, separated by commas', list)
    .option('--numbers <file>', 'the only numbers that may call, one a line; comments start with #')
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
    .action(async (options: ServeOptions, command: Command) => {
      const { serve } = await import('./simulator-serve.js');
      const code = await serve(options, command.optsWithGlobals<{ json?: boolean }>().json === true);
      if (code !== EXIT.ok) process.exitCode = code;
    });

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
    .action(async (source: string, options: LedgerOptions, command: Command) => {
      const { showLedger } = await import('./simulator-ledger.js');
      const code = await showLedger(source, options, command.optsWithGlobals<{ json?: boolean }>().json === true);
      if (code !== EXIT.ok) process.exitCode = code;
    });
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
  const [low = 0, high, ...more] = text.split('-').map(number);
  if (high === undefined) return low;
  if (more.length > 0 || low > high) throw new InvalidArgumentError('A range is two numbers, the lower one first.');
  return [low, high];
}

const collect = (text: string, earlier: readonly string[]): string[] => [...earlier, text];
