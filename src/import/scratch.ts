/**
 * Rows on disk instead of in memory: written by key into a few files, so that all rows of one contact are read back together and a file of any
 * size needs the memory of one part. It holds personal data, so nobody else may read it and it goes whatever happens.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Scratch {
  put(key: string, value: unknown): void;
  /** The values of each part in the order they were put; those of one key are in the same part. */
  parts(): AsyncGenerator<readonly unknown[]>;
  /** A list of its own, read back one by one. */
  list(name: string): ScratchList;
  remove(): void;
}

export interface ScratchList {
  add(value: unknown): void;
  read(): AsyncGenerator<unknown>;
}

/** Small enough that a part is gone before the collector takes it for lasting: parts of 3 MB made 400 MB of garbage. */
const PART_BYTES = 150_000;
const MOST_PARTS = 256;
const BUFFER_CHARS = 16_384;

export function openScratch(fileBytes: number): Scratch {
  const directory = mkdtempSync(join(tmpdir(), 'speechai-import-'));
  const open = new Set<Sink>();
  const sink = (name: string): Sink => {
    const made = openSink(join(directory, name));
    open.add(made);
    return made;
  };
  const remove = (): void => {
    process.removeListener('exit', remove);
    for (const each of open) each.close();
    open.clear();
    rmSync(directory, { recursive: true, force: true });
  };
  // Ctrl-C ends the process without unwinding.
  process.on('exit', remove);
  const parts = Array.from({ length: Math.min(MOST_PARTS, Math.max(1, Math.ceil(fileBytes / PART_BYTES))) }, (_, n) => sink(`part-${n}`));
  return {
    put: (key, value) => {
      const n = createHash('sha1').update(key).digest().readUInt32BE(0) % parts.length;
      parts[n]?.write(value);
    },
    parts: async function* () {
      for (const part of parts) {
        const values: unknown[] = [];
        for await (const value of part.read()) values.push(value);
        yield values;
      }
    },
    list: (name) => {
      const made = sink(name);
      return { add: (value) => made.write(value), read: () => made.read() };
    },
    remove,
  };
}

interface Sink {
  write(value: unknown): void;
  read(): AsyncGenerator<unknown>;
  close(): void;
}

function openSink(path: string): Sink {
  const file = openSync(path, 'wx', 0o600);
  let buffer = '';
  let closed = false;
  const flush = (): void => {
    if (buffer !== '') writeSync(file, buffer);
    buffer = '';
  };
  return {
    write: (value) => {
      buffer += `${JSON.stringify(value)}\n`;
      if (buffer.length > BUFFER_CHARS) flush();
    },
    read: async function* () {
      flush();
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) yield JSON.parse(line) as unknown;
    },
    close: () => {
      if (!closed) closeSync(file);
      closed = true;
    },
  };
}
