/** A log file that is written line by line without a buffer, is split by size and by day, and removes its old parts. */
import {
  closeSync,
  fchmodSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

export interface RotatingFileOptions {
  readonly dir: string;
  /** `all` and `log` for all.log; its old parts are all.2026-11-21.001.log and so on. */
  readonly name: string;
  readonly extension: string;
  readonly maxBytes: number;
  /** How many old parts are kept; null: age alone decides. */
  readonly backups: number | null;
  readonly retentionDays: number;
}

export interface RotatingFile {
  /** Writes one whole line; `time` is the line's own, ISO in UTC. False: it could not be written. */
  write(line: string, time: string): boolean;
  /** Opens the path again, after somebody else (logrotate) has renamed the file. */
  reopen(): void;
  close(): void;
}

const DAY_MS = 86_400_000;
/** How often a look is taken at whether the path still leads to the open file, and how large others have made it. */
const LOOK_EVERY_LINES = 64;

export function makePrivateFolder(dir: string): void {
  // A folder that is there keeps its mode: it may be /var/log.
  mkdirSync(dir, { recursive: true, mode: 0o700 });
}

interface Open {
  readonly fd: number;
  readonly inode: number;
  bytes: number;
}

export function createRotatingFile(options: RotatingFileOptions): RotatingFile {
  const { dir, name, extension } = options;
  const path = join(dir, `${name}.${extension}`);
  let open: Open | null = null;
  let day = '';
  let linesUntilLook = LOOK_EVERY_LINES;

  function openFile(): Open {
    const fd = openSync(path, 'a', 0o600);
    const stat = fstatSync(fd);
    if ((stat.mode & 0o077) !== 0) {
      try {
        fchmodSync(fd, 0o600);
      } catch {
        // Somebody else's file: the line matters more than its mode.
      }
    }
    // A file left from an earlier day is put away by the first line of this one.
    if (stat.size > 0) day = stat.mtime.toISOString().slice(0, 10);
    return { fd, inode: stat.ino, bytes: stat.size };
  }

  function closeFile(): void {
    if (open === null) return;
    const { fd } = open;
    open = null;
    try {
      closeSync(fd);
    } catch {
      // Nothing is buffered here, so nothing is lost.
    }
  }

  function look(current: Open): void {
    linesUntilLook = LOOK_EVERY_LINES;
    const onDisk = statSync(path, { throwIfNoEntry: false });
    if (onDisk === undefined || onDisk.ino !== current.inode) closeFile();
    else current.bytes = onDisk.size;
  }

  interface Part {
    readonly file: string;
    readonly day: string;
    readonly sequence: number;
  }

  function partOf(file: string): Part[] {
    if (!file.startsWith(`${name}.`) || !file.endsWith(`.${extension}`)) return [];
    const middle = /^(\d{4}-\d{2}-\d{2})\.(\d{3,})$/.exec(file.slice(name.length + 1, -extension.length - 1));
    if (middle === null) return [];
    return [{ file, day: middle[1] ?? '', sequence: Number(middle[2]) }];
  }

  /** Oldest first. */
  const partsOnDisk = (): Part[] =>
    readdirSync(dir)
      .flatMap(partOf)
      .sort((a, b) => (a.day === b.day ? a.sequence - b.sequence : a.day < b.day ? -1 : 1));

  function removeOld(today: string): void {
    const parts = partsOnDisk();
    const oldest = new Date(Date.parse(today) - options.retentionDays * DAY_MS).toISOString().slice(0, 10);
    const tooMany = options.backups === null ? 0 : parts.length - options.backups;
    for (const [index, part] of parts.entries()) if (index < tooMany || part.day < oldest) unlinkSync(join(dir, part.file));
  }

  function putAway(partDay: string): void {
    const taken = partsOnDisk().filter((part) => part.day === partDay);
    const first = (taken.at(-1)?.sequence ?? 0) + 1;
    for (let sequence = first; sequence < first + 100; sequence += 1) {
      const part = join(dir, `${name}.${partDay}.${String(sequence).padStart(3, '0')}.${extension}`);
      try {
        // Unlike a rename, a link never replaces what another process has put there a moment ago.
        linkSync(path, part);
        unlinkSync(path);
        return;
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'EEXIST') continue;
        if (code === 'ENOENT') return;
        // A file system without hard links.
        renameSync(path, part);
        return;
      }
    }
  }

  function rotate(current: Open, today: string): void {
    look(current);
    // Gone or renamed: another process was faster.
    if (open !== null) {
      closeFile();
      putAway(day || today);
    }
    try {
      removeOld(today);
    } catch {
      // Old files that cannot be removed must not stop new lines.
    }
  }

  function writeAll(fd: number, bytes: Buffer): void {
    let from = 0;
    while (from < bytes.length) from += writeSync(fd, bytes, from);
  }

  return {
    write(line, time) {
      const today = time.slice(0, 10);
      try {
        const bytes = Buffer.from(line, 'utf8');
        open ??= openFile();
        linesUntilLook -= 1;
        if (linesUntilLook <= 0) look(open);
        const isFull = open !== null && open.bytes > 0 && (open.bytes + bytes.length > options.maxBytes || (day !== '' && day !== today));
        if (open !== null && isFull) rotate(open, today);
        open ??= openFile();
        day = today;
        writeAll(open.fd, bytes);
        open.bytes += bytes.length;
        return true;
      } catch {
        // A full disk or a removed folder: the next line tries from the beginning.
        closeFile();
        return false;
      }
    },
    reopen: closeFile,
    close: closeFile,
  };
}
