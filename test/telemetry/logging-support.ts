/** A logger whose every byte can be read back: the stream's and those of every file. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logging, type LoggingOptions, createLogging } from '../../src/telemetry/logging.js';

export const LOGGING: LoggingOptions = {
  level: 'trace',
  levels: {},
  format: 'json',
  dir: null,
  files: ['app', 'error', 'retell', 'database', 'calls'],
  maxBytes: 10_000_000,
  backups: 5,
  retentionDays: 30,
  env: 'testing',
};

export interface Recorder {
  readonly logging: Logging;
  readonly dir: string;
  printed(): string;
  /** Name and content of every file. */
  files(): Map<string, string>;
  everything(): string;
  close(): Promise<void>;
}

export function record(options: Partial<LoggingOptions> = {}, now?: () => Date): Recorder {
  const dir = join(mkdtempSync(join(tmpdir(), 'speechai-log-')), 'logs');
  let printed = '';
  const out = { write: (text: string) => void (printed += text), isTTY: false };
  const logging = createLogging({ ...LOGGING, dir, ...options }, now === undefined ? { out } : { out, now });
  const files = (): Map<string, string> => new Map(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]));
  return {
    logging,
    dir,
    printed: () => printed,
    files,
    everything: () => printed + [...files().values()].join(''),
    async close() {
      await logging.close();
      rmSync(join(dir, '..'), { recursive: true, force: true });
    },
  };
}

export function linesOf(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
