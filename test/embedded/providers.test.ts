import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deb822Sources, isNewEnough, oneLineSources } from '../../src/embedded/glibc.js';
import { embeddedDirectory } from '../../src/embedded/resolve.js';
import { chooseProvider } from '../../src/embedded/providers.js';
import type { Provider } from '../../src/embedded/providers.js';
import { containing, matching } from '../support/matchers.js';

const ENGINE: Provider = { prefix: [], order: { kind: 'engine', provider: 'embedded engine', target: '/engine.js' } };
const quiet = (): void => undefined;
const hasEngine = (): Promise<Provider> => Promise.resolve(ENGINE);
const noEngine = (): Promise<string> => Promise.resolve('the engine is not for this machine');

describe('the choice of a MongoDB without a server', () => {
  let folder: string;
  let mongod: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'speechai-providers-'));
    mongod = join(folder, 'mongod');
    await writeFile(mongod, '#!/bin/sh\n');
    await chmod(mongod, 0o755);
    await writeFile(join(folder, 'plain.txt'), '');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['a mongod named by MONGOMS_SYSTEM_BINARY comes first', () => ({ MONGOMS_SYSTEM_BINARY: mongod, PATH: '' }), hasEngine, 'mongod'],
    ['then one on PATH', () => ({ PATH: `/nowhere:${folder}` }), hasEngine, 'mongod'],
    ['then the embedded engine', () => ({ PATH: '/nowhere', MONGOMS_RUNTIME_DOWNLOAD: '1' }), hasEngine, 'embedded engine'],
    ['then a download, where it is allowed', () => ({ PATH: '', MONGOMS_RUNTIME_DOWNLOAD: 'true' }), noEngine, 'fetched'],
  ])('%s', async (_, env, engine, taken) => {
    expect((await chooseProvider(env(), quiet, engine)).order.provider).toContain(taken);
  });

  it('names the binary it took', async () => {
    expect((await chooseProvider({ PATH: folder }, quiet, hasEngine)).order).toMatchObject({ kind: 'mongod', target: mongod });
  });

  it('ends in one message with the reason and the three ways out', async () => {
    await expect(chooseProvider({ PATH: '', MONGOMS_RUNTIME_DOWNLOAD: '0' }, quiet, noEngine)).rejects.toMatchObject({
      code: 'EMBEDDED_UNAVAILABLE',
      exitCode: 78,
      message: containing('the engine is not for this machine'),
      remedy: matching(/MONGO_URI.*MONGOMS_SYSTEM_BINARY.*MONGOMS_RUNTIME_DOWNLOAD/),
    });
  });

  it.each(['/nope/mongod', 'plain.txt', '.'])('does not pass over a MONGOMS_SYSTEM_BINARY that cannot be run (%s)', async (name) => {
    const env = { MONGOMS_SYSTEM_BINARY: join(folder, name), PATH: folder };
    await expect(chooseProvider(env, quiet, hasEngine)).rejects.toMatchObject({ code: 'EMBEDDED_BINARY', exitCode: 78 });
  });
});

describe('MONGO_URI', () => {
  it.each([
    ['embedded', null],
    ['embedded:./data', './data'],
    ['embedded:/with:colon', '/with:colon'],
    ['mongodb://127.0.0.1', undefined],
    ['embeddedness', undefined],
  ])('%s', (uri, directory) => {
    expect(embeddedDirectory(uri)).toBe(directory);
  });
});

describe('the newer C library', () => {
  it.each([
    ['2.36', false],
    ['2.37', false],
    ['2.38', true],
    ['2.41', true],
    ['2.4', false],
    ['3.0', true],
    ['', false],
  ])('glibc %s is new enough: %s', (version, expected) => {
    expect(isNewEnough(version)).toBe(expected);
  });

  it('comes from the main archive of the system, never from its security or third-party sources', () => {
    const text = [
      'Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main contrib\nSigned-By: /key',
      'Types: deb\nURIs: http://mirror/debian-security\nSuites: bookworm-security\nComponents: main\nSigned-By: /key',
      'Types: deb\nURIs: https://else.where\nSuites: nodistro\nComponents: main',
    ].join('\n\n');
    expect(deb822Sources(text, 'trixie', 'bookworm')).toBe(
      'Types: deb\nURIs: http://mirror/debian\nSuites: trixie\nComponents: main\nSigned-By: /key',
    );
  });

  it('reads the one-line format too', () => {
    const text = [
      '# deb http://old/debian bookworm main',
      'deb [arch=amd64 signed-by=/key] http://mirror/ubuntu jammy main restricted',
      'deb http://mirror/ubuntu jammy universe',
      'deb http://mirror/ubuntu jammy-security main',
      'deb-src http://mirror/ubuntu jammy main',
    ].join('\n');
    expect(oneLineSources(text, 'noble', 'jammy')).toBe('deb [arch=amd64 signed-by=/key] http://mirror/ubuntu noble main\n');
  });
});
