/** The simulator's own record of who rang, when and how often: the witness against which the daemon's records are checked. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';

export interface LedgerEntry {
  readonly seq: number;
  /** Real wall clock, ISO with milliseconds. */
  readonly at: string;
  readonly event: 'start' | 'dial' | 'transition' | 'stop' | 'refusal' | 'fault' | 'limits' | 'reset';
  readonly callId?: string;
  readonly to?: string;
  readonly from?: string;
  readonly agentId?: string;
  /** `metadata.attempt_id` where the caller sent one. */
  readonly attemptId?: string;
  readonly metadata?: unknown;
  /** The n-th dial of this number, from 1. */
  readonly dial?: number;
  readonly outcome?: string;
  /** Dials accepted although a limit was full, and then failed by the provider: nothing rang. */
  readonly rejected?: boolean;
  readonly status?: string;
  readonly reason?: string;
  readonly live?: boolean;
  readonly durationMs?: number;
  readonly costCents?: number;
  /** HTTP status of a refusal, kind of a fault. */
  readonly code?: number | string;
  readonly limits?: { readonly concurrency: number | null; readonly callsPerSecond: number | null };
  readonly seed?: string;
  readonly speed?: number;
}

export type LedgerFacts = Omit<LedgerEntry, 'seq' | 'at'>;

export interface Ledger {
  append(facts: LedgerFacts): void;
  entries(): readonly LedgerEntry[];
  /** Hears each entry as it is written; the answer ends that. */
  subscribe(listener: (entry: LedgerEntry) => void): () => void;
  clear(): void;
  close(): void;
}

/** Each line is handed to the operating system before the call returns, so it survives a kill of the simulator right after a dial. */
export function openLedger(file: string | null, wallMs: () => number): Ledger {
  const descriptor = file === null ? null : open(file);
  let entries: LedgerEntry[] = [];
  let seq = 0;
  let closed = false;
  const listeners = new Set<(entry: LedgerEntry) => void>();
  return {
    append: (facts) => {
      seq += 1;
      const entry: LedgerEntry = { seq, at: new Date(wallMs()).toISOString(), ...facts };
      entries.push(entry);
      if (descriptor !== null && !closed) writeSync(descriptor, `${JSON.stringify(entry)}\n`);
      for (const listener of listeners) listener(entry);
    },
    entries: () => entries,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear: () => {
      entries = [];
    },
    close: () => {
      if (descriptor !== null && !closed) closeSync(descriptor);
      closed = true;
    },
  };
}

function open(file: string): number {
  try {
    return openSync(file, 'a');
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_LEDGER', `The ledger cannot be written to ${file}: ${messageOf(thrown)}`, {
      remedy: 'Give --ledger a file in a folder that exists and that you may write to.',
      exitCode: EXIT.usage,
      cause: thrown,
    });
  }
}

/** Reads a ledger file; a last line cut off by a kill is left out. */
export function parseLedger(text: string): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const line of text.split('\n')) {
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null && 'event' in value && 'at' in value) entries.push(value as LedgerEntry);
    } catch {
      continue;
    }
  }
  return entries;
}
