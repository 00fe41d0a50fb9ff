/** `config check --connect`: what MongoDB and Retell say, each within a bounded time, without changing anything. */
import type { Db, Document } from 'mongodb';
import { maskKeyShapes } from '../config/mask.js';
import type { Settings } from '../config/settings.js';
import { maskUri } from '../config/uri.js';
import { EXIT, messageOf, SpeechAiError } from '../domain/errors.js';
import { say } from './output.js';

export interface Finding {
  readonly what: string;
  readonly level: 'ok' | 'warning' | 'error' | 'away';
  readonly detail: string;
  readonly remedy: string | null;
}

const PATIENCE_MS = 5_000;
/** Leases go by the database's time, but logs and elapsed times by this machine's: beyond this they tell different stories. */
const SKEW_MS = 1_000;
const UNAUTHORIZED = 13;
const AUTHENTICATION_FAILED = 18;

export async function checkConnections(settings: Settings, simulator: boolean): Promise<readonly Finding[]> {
  const [database, provider] = await Promise.all([checkDatabase(settings), simulator ? [simulated()] : checkRetell(settings)]);
  return [...database, ...provider];
}

async function checkDatabase(settings: Settings): Promise<readonly Finding[]> {
  const { MongoClient } = await import('mongodb');
  const { resolveMongoUri } = await import('../embedded/resolve.js');
  const shown = maskUri(settings.database.uri);
  const findings: Finding[] = [];
  try {
    const address = await resolveMongoUri(settings.database.uri, { onProgress: say });
    const client = new MongoClient(address.uri, {
      appName: 'speechai config check',
      serverSelectionTimeoutMS: Math.min(PATIENCE_MS, settings.database.selectionTimeoutMs),
      connectTimeoutMS: Math.min(PATIENCE_MS, settings.database.connectTimeoutMs),
      socketTimeoutMS: PATIENCE_MS,
    });
    try {
      findings.push(...(await checkServer(client.db('admin'), settings, shown)));
      const db = client.db(settings.database.name);
      const rights = await checkRights(db, settings);
      findings.push(rights, ...(rights.level === 'ok' ? [await checkNeededIndexes(db, settings)] : []));
    } finally {
      await client.close();
      await address.close();
    }
  } catch (thrown) {
    findings.push(databaseFailure(thrown, shown));
  }
  return findings;
}

async function checkServer(admin: Db, settings: Settings, shown: string): Promise<readonly Finding[]> {
  const { createClock } = await import('../telemetry/clock.js');
  const clock = createClock();
  await admin.command({ ping: 1 });
  const started = clock.mark();
  const hello = await admin.command({ hello: 1 });
  const tripMs = clock.elapsedMs(started);
  const { version } = await admin.command({ buildInfo: 1 });
  const server: Finding = {
    what: 'MongoDB',
    level: 'ok',
    detail: `${String(version)} at ${shown}, answers in ${Math.round(tripMs)} ms`,
    remedy: null,
  };
  const findings = [server, topology(hello, settings)];
  if (hello['localTime'] instanceof Date) findings.push(skew(hello['localTime'].getTime() - (clock.now().getTime() - tripMs / 2)));
  return findings;
}

function topology(hello: Document, settings: Settings): Finding {
  const what = 'MongoDB topology';
  if (hello['msg'] === 'isdbgrid') {
    return {
      what,
      level: 'warning',
      detail: 'a router of a sharded cluster',
      remedy: 'A sharded jobs collection is refused by `run`: use a replica set per group of accounts.',
    };
  }
  if (typeof hello['setName'] === 'string') return { what, level: 'ok', detail: `replica set ${hello['setName']}`, remedy: null };
  const inEarnest = settings.env === 'production' || settings.env === 'staging';
  return {
    what,
    level: inEarnest ? 'warning' : 'ok',
    detail: 'a standalone server: no failover and no notification of new work',
    remedy: inEarnest ? 'Use a replica set; one member is enough to begin with.' : null,
  };
}

function skew(skewMs: number): Finding {
  const isOff = Math.abs(skewMs) > SKEW_MS;
  return {
    what: 'Clocks',
    level: isOff ? 'warning' : 'ok',
    detail: `the database is ${Math.abs(Math.round(skewMs))} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this machine`,
    remedy: isOff ? 'Start NTP (chrony, systemd-timesyncd) on both machines.' : null,
  };
}

/** Reads, and writes that match nothing: the server checks the right and changes no document. */
async function checkRights(db: Db, settings: Settings): Promise<Finding> {
  const names = Object.values(settings.database.collections);
  const refused: string[] = [];
  for (const name of names) {
    try {
      const nothing: Document = { _id: 'speechai-config-check', $expr: false };
      await db.collection(name).findOne(nothing, { maxTimeMS: PATIENCE_MS });
      await db.collection(name).updateOne(nothing, { $set: { checked: true } }, { upsert: false });
    } catch (thrown) {
      if (codeOf(thrown) !== UNAUTHORIZED) throw thrown;
      refused.push(name);
    }
  }
  const what = 'MongoDB rights';
  if (refused.length === 0)
    return { what, level: 'ok', detail: `${names.length} collections of ${settings.database.name} can be read and written`, remedy: null };
  return {
    what,
    level: 'error',
    detail: `this user may not read and write ${refused.join(', ')} in ${settings.database.name}`,
    remedy: `Grant the role readWrite on ${settings.database.name}.`,
  };
}

/** What `run` refuses to start without, in production; elsewhere it makes them. */
async function checkNeededIndexes(db: Db, settings: Settings): Promise<Finding> {
  const [{ checkIndexes, missingIndexes }, { indexUseOf }] = await Promise.all([
    import('../store/indexes.js'),
    import('../runner/policy.js'),
  ]);
  const names = settings.database.collections;
  const reports = await checkIndexes({ names, collection: (name) => db.collection(names[name]) }, indexUseOf(settings));
  const what = 'MongoDB indexes';
  const absent = reports.filter(({ state }) => state === 'missing');
  if (absent.length === 0) return { what, level: 'ok', detail: `all ${String(reports.length)} are there`, remedy: null };
  const shown = absent.map(({ collection, name }) => `${collection}.${name}`).join(', ');
  const detail = `${String(absent.length)} of ${String(reports.length)} are missing: ${shown}`;
  const remedy = 'Run `speechai db init`.';
  if (settings.env !== 'production') return { what, level: 'ok', detail: `${detail}; \`run\` makes them`, remedy: null };
  if (missingIndexes(reports).length === 0) return { what, level: 'warning', detail, remedy };
  return { what, level: 'error', detail: `${detail}; \`run\` does not start without those that prevent duplicate calls`, remedy };
}

function databaseFailure(thrown: unknown, shown: string): Finding {
  if (thrown instanceof SpeechAiError)
    return { what: 'MongoDB', level: thrown.exitCode === EXIT.config ? 'error' : 'away', detail: thrown.message, remedy: thrown.remedy };
  const detail = `${shown}: ${maskKeyShapes(messageOf(thrown).replace(/\s+/g, ' '))}`;
  if (codeOf(thrown) === AUTHENTICATION_FAILED || codeOf(thrown) === UNAUTHORIZED) {
    return { what: 'MongoDB', level: 'error', detail, remedy: 'Check user, password and authSource.' };
  }
  return { what: 'MongoDB', level: 'away', detail, remedy: 'Check the address, that the server runs, and firewalls in between.' };
}

function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : null;
}

function simulated(): Finding {
  return { what: 'Retell', level: 'ok', detail: 'no key: `run` starts the simulator, nobody is called', remedy: null };
}

type Reply = { readonly status: number; readonly body: Readonly<Record<string, unknown>> } | { readonly away: string };

async function checkRetell(settings: Settings): Promise<readonly Finding[]> {
  const { agentId, fromNumbers } = settings.retell;
  const key = await ask(settings, '/get-api-key-info');
  const first = keyFinding(key, settings.retell.baseUrl);
  if (first.level !== 'ok') return [first];
  const [agent, concurrency, ...numbers] = await Promise.all([
    ask(settings, `/get-agent/${encodeURIComponent(agentId)}`),
    ask(settings, '/get-concurrency'),
    ...fromNumbers.map((number) => ask(settings, `/get-phone-number/${encodeURIComponent(number)}`)),
  ]);
  return [
    first,
    thingFinding('Retell agent', agentId, agent, 'Check RETELL_AGENT_ID: this workspace has no such agent.'),
    ...numbers.map((reply, index) =>
      thingFinding(
        'Retell number',
        maskNumber(fromNumbers[index] ?? ''),
        reply,
        'Check RETELL_FROM_NUMBER: this workspace does not own it.',
      ),
    ),
    concurrencyFinding(concurrency, settings),
  ];
}

async function ask(settings: Settings, path: string): Promise<Reply> {
  const { request } = await import('undici');
  const limit = AbortSignal.timeout(Math.min(PATIENCE_MS, settings.retell.timeoutMs));
  try {
    const { statusCode, body } = await request(`${settings.retell.baseUrl}${path}`, {
      headers: { authorization: `Bearer ${settings.retell.apiKey}` },
      signal: limit,
    });
    const read: unknown = await body.json().catch(() => null);
    return { status: statusCode, body: isRecord(read) ? read : {} };
  } catch (thrown) {
    return { away: limit.aborted ? 'no answer in time' : maskKeyShapes(messageOf(thrown)) };
  }
}

function keyFinding(reply: Reply, baseUrl: string): Finding {
  const what = 'Retell key';
  if ('away' in reply)
    return { what, level: 'away', detail: `${baseUrl}: ${reply.away}`, remedy: 'Check RETELL_BASE_URL and the way out of this network.' };
  if (reply.status === 200) {
    const org = reply.body['org_name'];
    return { what, level: 'ok', detail: `accepted by ${baseUrl}${typeof org === 'string' ? ` for ${org}` : ''}`, remedy: null };
  }
  if (reply.status === 401 || reply.status === 403)
    return { what, level: 'error', detail: `refused (${reply.status})`, remedy: 'Check RETELL_API_KEY.' };
  return { what, level: 'away', detail: `${baseUrl} answers ${reply.status}`, remedy: 'Check RETELL_BASE_URL, or try again.' };
}

function thingFinding(what: string, name: string, reply: Reply | undefined, remedy: string): Finding {
  if (reply === undefined || 'away' in reply)
    return { what, level: 'away', detail: `${name}: ${reply?.away ?? 'not asked'}`, remedy: 'Try again.' };
  if (reply.status === 200) return { what, level: 'ok', detail: `${name} exists`, remedy: null };
  if ([400, 404, 422].includes(reply.status)) return { what, level: 'error', detail: `${name} is unknown (${reply.status})`, remedy };
  return { what, level: 'away', detail: `${name}: the answer was ${reply.status}`, remedy: 'Try again.' };
}

function concurrencyFinding(reply: Reply | undefined, settings: Settings): Finding {
  const what = 'Retell concurrency';
  if (reply === undefined || 'away' in reply || reply.status !== 200)
    return { what, level: 'warning', detail: 'could not be read', remedy: 'Try again.' };
  const limit = Number(reply.body['concurrency_limit']);
  const current = Number(reply.body['current_concurrency'] ?? 0);
  if (!Number.isFinite(limit)) return { what, level: 'warning', detail: 'the answer names no limit', remedy: null };
  const wanted = settings.limits.maxConcurrentCalls;
  const isOver = wanted > limit && reply.body['concurrency_burst_enabled'] !== true;
  return {
    what,
    level: isOver ? 'warning' : 'ok',
    detail: `${current} of ${limit} calls live, MAX_CONCURRENT_CALLS=${wanted}`,
    remedy: isOver ? `Set MAX_CONCURRENT_CALLS to at most ${limit}, or raise the limit of the workspace.` : null,
  };
}

function maskNumber(number: string): string {
  return `${number.slice(0, 3)}*****${number.slice(-3)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
