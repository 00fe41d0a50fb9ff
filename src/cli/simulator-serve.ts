/** `speechai simulator` itself: serves until a signal ends it. */
import { z } from 'zod';
import { EXIT, SpeechAiError } from '../domain/errors.js';
import type { ExitCode } from '../domain/errors.js';
import { FAULT_KINDS } from '../simulator/fault-kinds.js';
import { remoteFaultSchema } from '../simulator/faults.js';
import type { FaultSpec } from '../simulator/faults.js';
import type { SimulatorOptions } from '../simulator/options.js';
import { readScript } from '../simulator/script.js';
import { startSimulator } from '../simulator/server.js';
import { nextSignal } from './next-signal.js';
import { say } from './output.js';
import { readJson, readNumbers, readSecret } from './simulator-files.js';

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly seed?: string;
  readonly speed: number;
  readonly concurrency: number;
  readonly cps: number;
  readonly key?: string;
  readonly keyFile?: string;
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

/** Until a signal ends it: the code to exit with. */
export async function serve(options: ServeOptions, json: boolean): Promise<ExitCode> {
  const key = await keyOf(options);
  const keySetting =
    options.keyFile === undefined ? `RETELL_API_KEY=${key === null ? 'any' : 'ITS_KEY'}` : `RETELL_API_KEY_FILE=${options.keyFile}`;
  const given: SimulatorOptions = {
    port: options.port,
    host: options.host,
    seed: options.seed,
    speed: options.speed,
    concurrency: options.concurrency === 0 ? null : options.concurrency,
    cps: options.cps === 0 ? null : options.cps,
    key,
    agents: options.agents,
    numbers: options.numbers === undefined ? null : await readNumbers(options.numbers),
    script: options.script === undefined ? null : readScript(await readJson(options.script), options.script),
    ledgerFile: options.ledger,
    latencyMs: options.latency,
    instant: options.instant,
    faults: readFaults(options.fault),
    onTrouble: say,
    switches: {
      ...(options.requestLimits === true ? { createsPer10s: 1000, listsPer10s: 30, readsPer10s: 100 } : {}),
      retryAfterSeconds: options.retryAfter ?? null,
      indexLagMs: options.indexLag,
      hideRegistered: options.hideRegistered === true,
    },
  };
  // Listens before the port does, so that no early signal is missed.
  const ended = nextSignal();
  const running = await startSimulator(given);
  if (json) {
    print(JSON.stringify({ url: running.url, port: running.port, seed: running.seed, speed: options.speed, pid: process.pid }));
  } else {
    print(`A local Retell listens on ${running.url} (seed ${running.seed}, speed ${options.speed}). It calls nobody. Ctrl-C ends it.`);
    print(`Use it with: RETELL_BASE_URL=${running.url} ${keySetting} speechai run`);
  }
  const signal = await ended;
  await running.close();
  return signal === 'SIGINT' ? EXIT.interrupted : EXIT.ok;
}

/** An empty word is none: nobody could send it. */
async function keyOf({ key: given, keyFile }: ServeOptions): Promise<string | null> {
  const key = given === '' ? undefined : given;
  if (keyFile === undefined || keyFile === '') return key ?? null;
  const read = await readSecret(keyFile);
  if (key === undefined || key === read) return read;
  throw new SpeechAiError('SIMULATOR_KEY', 'There are two different keys: one given outright, one in a file.', {
    remedy: 'Keep one of --key (SIMULATOR_KEY) and --key-file (SIMULATOR_KEY_FILE).',
    exitCode: EXIT.usage,
  });
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** `KIND`, `KIND:PROBABILITY` or a JSON object. */
function readFaults(texts: readonly string[]): FaultSpec[] {
  return texts.map((text) => {
    const read = remoteFaultSchema.safeParse(text.startsWith('{') ? parsed(text) : shorthand(text));
    if (read.success) return read.data;
    throw new SpeechAiError('SIMULATOR_FAULT', `--fault ${text} is not a fault: ${z.prettifyError(read.error)}`, {
      remedy: `Write KIND or KIND:PROBABILITY, KIND one of ${FAULT_KINDS.join(', ')}, or a JSON object.`,
      exitCode: EXIT.usage,
    });
  });
}

function shorthand(text: string): object | undefined {
  const [kind, probability, ...more] = text.split(':');
  return more.length > 0 ? undefined : { kind, ...(probability === undefined ? {} : { probability: Number(probability) }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
