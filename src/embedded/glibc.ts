/**
 * The embedded engine is built against glibc 2.38. Where the system's is older (Debian 12, Ubuntu 22.04), Node itself is started through
 * a newer one that is kept beside it: fetched by the system's own apt with its own keys and mirrors, but into a folder of the user's,
 * so nothing is installed and no root is needed.
 */

import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../domain/errors.js';

const run = promisify(execFile);

const NEEDED = { major: 2, minor: 38 };
const FETCH_TIMEOUT_MS = 120_000;
const PACKAGES = ['libc6', 'libstdc++6', 'libgcc-s1'];
/** Which release of the same family has a new enough library. */
const NEWER_SUITE: Readonly<Record<string, string>> = { debian: 'trixie', ubuntu: 'noble' };
const MACHINES: Readonly<Record<string, { readonly triplet: string; readonly loader: string }>> = {
  x64: { triplet: 'x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

/** The words put before `node`: none where the system's library is new enough. */
export type Launcher = { readonly usable: true; readonly prefix: readonly string[] } | { readonly usable: false; readonly why: string };

export const findLauncher = async (cacheFolder: string, onProgress: (line: string) => void): Promise<Launcher> => {
  if (process.platform !== 'linux') return { usable: true, prefix: [] };
  const version = systemGlibc();
  if (version === null) return { usable: false, why: 'this system has no glibc (Alpine?), which the embedded engine needs' };
  if (isNewEnough(version)) return { usable: true, prefix: [] };
  const machine = MACHINES[process.arch];
  const suite = NEWER_SUITE[distribution()];
  const old = `the C library here is glibc ${version}, the embedded engine needs ${NEEDED.major}.${NEEDED.minor}`;
  if (machine === undefined || suite === undefined || !existsSync('/usr/bin/apt-get')) {
    return { usable: false, why: `${old}, and there is no Debian or Ubuntu apt to fetch a newer one with` };
  }
  const folder = join(cacheFolder, `glibc-${suite}-${process.arch}`);
  const launcher: Launcher = { usable: true, prefix: [join(folder, machine.loader), '--library-path', folder] };
  if (existsSync(join(folder, machine.loader))) return launcher;
  onProgress(`${old}: fetching the one of ${suite} beside the system's, into ${folder} (once)`);
  try {
    mkdirSync(cacheFolder, { recursive: true, mode: 0o700 });
    await fetchInto(folder, suite, machine);
  } catch (error) {
    return { usable: false, why: `${old}, and fetching a newer one failed: ${firstLine(messageOf(error))}` };
  }
  onProgress('the newer C library is in place');
  return launcher;
};

const fetchInto = async (folder: string, suite: string, machine: { readonly triplet: string; readonly loader: string }): Promise<void> => {
  const work = mkdtempSync(`${folder}.`);
  try {
    const config = writeAptConfig(work, suite);
    const options = { cwd: join(work, 'archives'), timeout: FETCH_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } };
    await run('apt-get', ['-c', config, '-qq', 'update'], options);
    await run('apt-get', ['-c', config, '-qq', 'download', ...PACKAGES], options);
    for (const name of readdirSync(options.cwd).filter((file) => file.endsWith('.deb'))) {
      await run('dpkg-deb', ['-x', join(options.cwd, name), join(work, 'root')], options);
    }
    const ready = join(work, 'ready');
    mkdirSync(ready);
    for (const source of [join('usr', 'lib', machine.triplet), join('lib', machine.triplet)])
      collectLibraries(join(work, 'root', source), ready);
    // The proof that this very Node runs with it; a half-unpacked folder never gets its final name.
    await run(join(ready, machine.loader), ['--library-path', ready, process.execPath, '--version'], options);
    putInPlace(ready, folder, machine.loader);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
};

const collectLibraries = (from: string, to: string): void => {
  if (!existsSync(from)) return;
  for (const entry of readdirSync(from)) {
    if (/\.so(\.|$)/.test(entry)) cpSync(join(from, entry), join(to, entry), { dereference: true, recursive: true });
  }
};

/** Two processes may fetch at once: whoever comes second uses what is there. */
const putInPlace = (ready: string, folder: string, loader: string): void => {
  try {
    renameSync(ready, folder);
  } catch (error) {
    if (!existsSync(join(folder, loader))) throw error;
  }
};

/** apt with lists, caches and sources of its own; mirrors, keys and proxies are the system's. Hooks that touch the system's cache are left out. */
const writeAptConfig = (work: string, suite: string): string => {
  for (const folder of ['lists/partial', 'archives/partial', 'sources', 'root']) mkdirSync(join(work, folder), { recursive: true });
  writeSources(join(work, 'sources'), suite);
  const config = join(work, 'apt.conf');
  writeFileSync(
    config,
    [
      '#clear APT::Update::Pre-Invoke;',
      '#clear APT::Update::Post-Invoke;',
      '#clear APT::Update::Post-Invoke-Success;',
      '#clear DPkg::Post-Invoke;',
      // Root's apt downloads as another user, who may not write here.
      'APT::Sandbox::User "";',
      'Acquire::Languages "none";',
      `Dir::State "${work}";`,
      `Dir::State::lists "${work}/lists";`,
      'Dir::State::status "/var/lib/dpkg/status";',
      `Dir::Cache "${work}";`,
      `Dir::Cache::archives "${work}/archives";`,
      'Dir::Cache::pkgcache "";',
      'Dir::Cache::srcpkgcache "";',
      'Dir::Etc::sourcelist "/dev/null";',
      `Dir::Etc::sourceparts "${work}/sources";`,
      '',
    ].join('\n'),
  );
  return config;
};

/** The system's own main archive, in both formats apt reads, with the suite changed. */
const writeSources = (folder: string, suite: string): void => {
  let found = 0;
  for (const file of systemSourceFiles()) {
    const text = readFileSync(file, 'utf8');
    const wanted = file.endsWith('.sources') ? deb822Sources(text, suite) : oneLineSources(text, suite);
    if (wanted === '') continue;
    found += 1;
    writeFileSync(join(folder, `newer${found}${file.endsWith('.sources') ? '.sources' : '.list'}`), wanted);
  }
  if (found === 0) throw new Error("apt's sources here name no main archive of the system's release");
};

const systemSourceFiles = (): string[] => {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => /\.(sources|list)$/.test(name)) : [];
  return ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))].filter((file) => existsSync(file));
};

const codename = (): string => osRelease('VERSION_CODENAME');

export const deb822Sources = (text: string, suite: string, own: string = codename()): string =>
  text
    .split(/\n\s*\n/)
    .filter((stanza) => /^Components:.*\bmain\b/im.test(stanza) && suitesOf(stanza).includes(own))
    .map((stanza) => stanza.replace(/^Suites:.*$/im, `Suites: ${suite}`).replace(/^Components:.*$/im, 'Components: main'))
    .join('\n\n');

const suitesOf = (stanza: string): string[] => (/^Suites:(.*)$/im.exec(stanza)?.[1] ?? '').trim().split(/\s+/);

export const oneLineSources = (text: string, suite: string, own: string = codename()): string =>
  text
    .split('\n')
    .map((line) => /^\s*deb\s+((?:\[[^\]]*\]\s+)?\S+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match?.[2] === own && /\bmain\b/.test(match[3] ?? ''))
    .map((match) => `deb ${match?.[1] ?? ''} ${suite} main\n`)
    .join('');

const distribution = (): string => osRelease('ID');

const osRelease = (name: string): string => {
  try {
    const line = readFileSync('/etc/os-release', 'utf8')
      .split('\n')
      .find((each) => each.startsWith(`${name}=`));
    return line?.slice(name.length + 1).replaceAll('"', '') ?? '';
  } catch {
    return '';
  }
};

const systemGlibc = (): string | null => {
  const report: unknown = process.report.getReport();
  const header = typeof report === 'object' && report !== null && 'header' in report ? report.header : null;
  if (typeof header !== 'object' || header === null || !('glibcVersionRuntime' in header)) return null;
  return typeof header.glibcVersionRuntime === 'string' ? header.glibcVersionRuntime : null;
};

export const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor);
};

const firstLine = (text: string): string => text.split('\n').find((line) => line.trim() !== '') ?? text;
