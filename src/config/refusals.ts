/** What an environment refuses to start with: each line here keeps somebody from being called, or forgotten, by accident. */
import { complain } from './complain.js';
import type { Problem } from './problem.js';
import type { Rule, RuleContext } from './rule.js';
import { severity } from './rule.js';
import type { Settings } from './settings.js';
import { isEmbedded, isLoopback, readMongoUri } from './uri.js';

const PLACEHOLDER =
  /^(?:(?:key|agent)_)?(?:your|my|insert|change|replace|example|sample|dummy|placeholder|test|todo|fixme|x{3,}|\.{3}|<)|(?:_here|change_?me|placeholder|x{4,})$|[<>]|0123456789abcdef|\$\{/i;

/** Narrower than the other: a server may well be called my-cluster or test-db. */
const MONGO_PLACEHOLDER = /^(?:your[-_]|change_?me|placeholder|example\b)|(?:^|-)PASSWORD$|^(?:HOST|USER)$/;

/** Without key and without address, development and testing talk to the simulator. */
export function usesSimulator(settings: Settings, written: (name: string) => boolean): boolean {
  return isPlayground(settings) && settings.retell.apiKey === '' && !written('RETELL_BASE_URL');
}

export function isPlaceholder(value: string): boolean {
  return value !== '' && PLACEHOLDER.test(value);
}

export const REFUSALS: readonly Rule[] = [
  { reads: ['ENV', 'RETELL_API_KEY', 'RETELL_BASE_URL'], check: missingKey },
  { reads: ['ENV', 'RETELL_API_KEY', 'RETELL_BASE_URL', 'RETELL_AGENT_ID'], check: missingAgent },
  { reads: ['ENV', 'RETELL_API_KEY', 'RETELL_BASE_URL', 'RETELL_FROM_NUMBER'], check: missingCaller },
  { reads: ['ENV', 'RETELL_API_KEY', 'RETELL_BASE_URL', 'ALLOW_REAL_CALLS'], check: realCallsUnderTest },
  { reads: ['RETELL_API_KEY', 'RETELL_BASE_URL', 'MONGO_URI'], check: realKeyWithoutDatabase },
  { reads: ['ENV', 'RETELL_BASE_URL'], check: clearTextRetell },
  { reads: ['ENV', 'RETELL_API_KEY', 'RETELL_AGENT_ID', 'RETELL_FROM_NUMBER', 'MONGO_URI'], check: placeholders },
  { reads: ['ENV', 'MONGO_URI'], check: embeddedDatabase },
];

function isPlayground(settings: Settings): boolean {
  return settings.env === 'development' || settings.env === 'testing';
}

function missingKey({ settings, written, withoutRetell }: RuleContext): readonly Problem[] {
  if (withoutRetell || usesSimulator(settings, written) || settings.retell.apiKey !== '') return [];
  return [
    complain('RETELL_API_KEY', {
      message: `A key is needed under ENV=${settings.env}${isPlayground(settings) ? ' where RETELL_BASE_URL is set' : ''}.`,
      remedy: 'Set RETELL_API_KEY, or RETELL_API_KEY_FILE to a file that holds it.',
    }),
  ];
}

function missingAgent({ settings, written, withoutRetell }: RuleContext): readonly Problem[] {
  if (withoutRetell || usesSimulator(settings, written) || settings.retell.agentId !== '') return [];
  return [complain('RETELL_AGENT_ID', { message: 'Calls need an agent to speak.' })];
}

function missingCaller({ settings, written, withoutRetell }: RuleContext): readonly Problem[] {
  if (withoutRetell || usesSimulator(settings, written) || settings.retell.fromNumbers.length > 0) return [];
  return [complain('RETELL_FROM_NUMBER', { message: 'Calls need a caller number: Retell requires one.' })];
}

function realCallsUnderTest({ settings, written, withoutRetell }: RuleContext): readonly Problem[] {
  const { env, app, retell } = settings;
  if (env !== 'testing' || app.allowRealCalls || withoutRetell || isLoopback(retell.baseUrl) || usesSimulator(settings, written)) return [];
  return [
    complain('RETELL_BASE_URL', {
      message: 'Testing would ring real telephones: this Retell is not on this machine.',
      given: retell.baseUrl,
      remedy: 'Name a simulator on 127.0.0.1, or set ALLOW_REAL_CALLS=1 if real calls are meant.',
    }),
  ];
}

/** A key in one shell and the database's address in another would dial from an empty, throw-away database. */
function realKeyWithoutDatabase({ settings, written, withoutRetell }: RuleContext): readonly Problem[] {
  const { apiKey, baseUrl } = settings.retell;
  const isReal = apiKey !== '' && !isLoopback(baseUrl);
  if (withoutRetell || !isReal || written('MONGO_URI')) return [];
  return [
    complain('MONGO_URI', {
      message: 'There is a real Retell key, but nobody wrote which database to call from.',
      remedy: 'Set MONGO_URI (or MONGO_HOST), or remove RETELL_API_KEY to use the simulator.',
    }),
  ];
}

function clearTextRetell({ settings }: RuleContext): readonly Problem[] {
  const { baseUrl } = settings.retell;
  if (!/^http:/i.test(baseUrl) || isLoopback(baseUrl)) return [];
  return [
    complain('RETELL_BASE_URL', {
      level: severity(settings),
      message: 'The key and the calls would cross the network unencrypted.',
      given: baseUrl,
      remedy: 'Write https:// unless Retell is on this machine.',
    }),
  ];
}

function placeholders({ settings, written }: RuleContext): readonly Problem[] {
  const { retell, database } = settings;
  const parts = readMongoUri(database.uri);
  const found: string[] = [];
  if (isPlaceholder(retell.apiKey)) found.push('RETELL_API_KEY');
  if (isPlaceholder(retell.agentId)) found.push('RETELL_AGENT_ID');
  if (retell.fromNumbers.some((number) => /^\+?1?(?:1?234567890|5555555555|0{6,})/.test(number))) found.push('RETELL_FROM_NUMBER');
  if (
    written('MONGO_URI') &&
    parts !== null &&
    [...(parts.userinfo ?? '').split(':'), ...parts.hosts].some((part) => MONGO_PLACEHOLDER.test(part))
  ) {
    found.push('MONGO_URI');
  }
  // A simulator on this machine takes any key, and tests name theirs as they like.
  if (settings.env !== 'production' && isLoopback(retell.baseUrl)) return [];
  return found.map((name) =>
    complain(name, {
      level: severity(settings),
      message: 'This is still the placeholder of an example file.',
      remedy: `Write the real ${name}.`,
    }),
  );
}

function embeddedDatabase({ settings }: RuleContext): readonly Problem[] {
  if (!isEmbedded(settings.database.uri) || isPlayground(settings)) return [];
  return [
    complain('MONGO_URI', {
      level: severity(settings),
      message: `An embedded database is for development and testing, not for ENV=${settings.env}.`,
      given: settings.database.uri,
      remedy: 'Name a MongoDB server.',
    }),
  ];
}
