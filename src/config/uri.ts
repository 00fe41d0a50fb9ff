/** The two addresses among the settings, checked without loading a driver, and what may be shown of them. */
import type { Parser } from './parser.js';

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|%2f[^/:@?\s]*)(?::(\d{1,5}))?$/i;
const USERINFO = /^(?:[^\s:/?#[\]@%]|%[0-9a-f]{2})+(?::(?:[^\s:/?#[\]@%]|%[0-9a-f]{2})*)?$/i;
const OPTION = /^[a-z][a-z0-9]*=[^\s&]*$/i;
const EMBEDDED = /^embedded(?::(.+))?$/;

/** Options whose values are worth seeing and cannot be credentials; every other value is hidden. */
const OPEN_OPTIONS = new Set(
  'replicaset authsource authmechanism retrywrites retryreads w journal readpreference readconcernlevel tls ssl directconnection appname maxpoolsize minpoolsize maxidletimems connecttimeoutms sockettimeoutms serverselectiontimeoutms compressors loadbalanced'.split(
    ' ',
  ),
);

export interface MongoUri {
  readonly srv: boolean;
  readonly userinfo: string | null;
  readonly hosts: readonly string[];
  readonly database: string;
  readonly options: readonly string[];
}

export function isEmbedded(uri: string): boolean {
  return EMBEDDED.test(uri);
}

/** The parts of a `mongodb://` URI, or null where it is none the driver would take. */
export function readMongoUri(uri: string): MongoUri | null {
  const match = /^mongodb(\+srv)?:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri);
  if (match === null || hasBlankOrControl(uri)) return null;
  const [, srvMark, authority = '', database = '', query = ''] = match;
  const srv = srvMark !== undefined;
  const at = authority.lastIndexOf('@');
  const userinfo = at < 0 ? null : authority.slice(0, at);
  const hosts = authority.slice(at + 1).split(',');
  if (userinfo !== null && !USERINFO.test(userinfo)) return null;
  if (!hosts.every((host) => isHost(host)) || (srv && (hosts.length !== 1 || /:\d+$/.test(hosts[0] ?? '')))) return null;
  if (/["$*<>:|\\/. ]/.test(database)) return null;
  const options = query === '' ? [] : query.split('&').filter((option) => option !== '');
  if (!options.every((option) => OPTION.test(option))) return null;
  return { srv, userinfo, hosts, database, options };
}

export const mongoUri: Parser<string> = {
  allowed: 'mongodb://[USER:PASSWORD@]HOST[:PORT][,...][/][?OPTIONS], mongodb+srv://HOST, embedded, or embedded:DIRECTORY',
  parse: (given) => {
    if (isEmbedded(given)) return hasControl(given) ? null : { value: given };
    return readMongoUri(given) === null ? null : { value: given };
  },
};

/** An http address without credentials, query or trailing slash. */
export const httpUrl: Parser<string> = {
  allowed: 'an http:// or https:// address without user, query or fragment',
  parse: (given) => {
    const url = readUrl(given);
    if (url === null || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return null;
    return { value: given.replace(/\/+$/, '') };
  },
};

export const webhookUrl: Parser<string> = {
  allowed: 'an http:// or https:// address',
  parse: (given) => (readUrl(given) === null ? null : { value: given }),
};

/** Escapes a part of a URI. Half a character, which a string can hold, would make the plain function throw. */
export function encodePart(text: string): string {
  return encodeURIComponent(text.replace(/\p{Cs}/gu, '\uFFFD'));
}

/** True for an address on this machine, false also for what is no address. */
export function isLoopback(url: string): boolean {
  const host = readUrl(url)?.hostname ?? '';
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** The URI with what could be a credential hidden. What cannot be read whole is hidden whole: a typo must not show a password. */
export function maskUri(uri: string): string {
  if (isEmbedded(uri)) return uri;
  const parts = readMongoUri(uri);
  if (parts === null) return hiddenTail(uri);
  const user = parts.userinfo === null ? '' : `${parts.userinfo.split(':')[0] ?? ''}${parts.userinfo.includes(':') ? ':****' : ''}@`;
  const options = parts.options.map((option) => {
    const [key = '', value = ''] = option.split('=');
    return `${key}=${OPEN_OPTIONS.has(key.toLowerCase()) ? value : '****'}`;
  });
  const query = options.length > 0 ? `?${options.join('&')}` : '';
  const path = parts.database !== '' || query !== '' ? `/${parts.database}` : '';
  return `mongodb${parts.srv ? '+srv' : ''}://${user}${parts.hosts.join(',')}${path}${query}`;
}

/** Only the scheme of something that could not be read, when it is one we know. */
function hiddenTail(uri: string): string {
  const scheme = /^(?:mongodb(?:\+srv)?|https?|postgres(?:ql)?|mysql|redis):\/\//i.exec(uri)?.[0] ?? '';
  return uri === scheme ? uri : `${scheme}****`;
}

function isHost(host: string): boolean {
  const match = HOST.exec(host);
  if (match === null) return false;
  return match[1] === undefined || (Number(match[1]) >= 1 && Number(match[1]) <= 65_535);
}

function readUrl(given: string): URL | null {
  if (!/^https?:\/\/[^/]/i.test(given) || hasBlankOrControl(given)) return null;
  try {
    return new URL(given);
  } catch {
    return null;
  }
}

function hasBlankOrControl(given: string): boolean {
  return /\s/.test(given) || hasControl(given);
}

function hasControl(given: string): boolean {
  return /\p{Cc}/u.test(given);
}
