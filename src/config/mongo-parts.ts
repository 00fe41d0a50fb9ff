/** MONGO_URI from MONGO_HOST, MONGO_PORT, MONGO_USER and MONGO_PASSWORD, where it is not written itself. */
import { complain } from './complain.js';
import type { Problem } from './problem.js';
import type { PartName } from './sections/database.js';
import { databaseParts } from './sections/database.js';
import { defaultIn } from './setting.js';
import type { Layer, Written } from './layer.js';
import { lookUp } from './layer.js';
import { encodePart } from './uri.js';

export interface Composed {
  /** The layers, with MONGO_URI put in front of the one that holds MONGO_HOST. */
  readonly layers: readonly Layer[];
  readonly problems: readonly Problem[];
}

export function composeMongoUri(layers: readonly Layer[]): Composed {
  const host = lookUp(layers, 'MONGO_HOST');
  const uri = lookUp(layers, 'MONGO_URI');
  if (host === undefined || host.text === '') {
    return { layers, problems: uri === undefined ? partsWithoutHost(layers) : [] };
  }
  const problems: Problem[] = [];
  if (uri !== undefined) {
    problems.push(
      complain('MONGO_URI', {
        message: `MONGO_URI (${uri.where}) and MONGO_HOST (${host.where}) are both set.`,
        remedy: 'Remove MONGO_HOST and its companions, or MONGO_URI.',
      }),
    );
  }
  const user = text(layers, 'MONGO_USER');
  const password = text(layers, 'MONGO_PASSWORD');
  if (user !== '' && password === '') {
    problems.push(
      complain('MONGO_PASSWORD', {
        message: 'MONGO_USER is set without a password.',
        remedy: 'Set MONGO_PASSWORD_FILE to a file that holds it.',
      }),
    );
  }
  if (user === '' && password !== '') {
    problems.push(
      complain('MONGO_USER', { message: 'There is a password without MONGO_USER.', remedy: 'Set MONGO_USER, or remove the password.' }),
    );
  }
  if (uri !== undefined || !isHost(host.text)) return { layers, problems };
  const made: Written = { kind: host.kind, where: `MONGO_HOST (${host.where})`, text: uriOf(layers, host.text, user, password) };
  return { layers: [new Map([['MONGO_URI', made]]), ...layers], problems };
}

function uriOf(layers: readonly Layer[], host: string, user: string, password: string): string {
  const login = user === '' ? '' : `${encodePart(user)}:${encodePart(password)}@`;
  const query = user === '' ? '' : `/?authSource=${encodePart(text(layers, 'MONGO_AUTH_SOURCE'))}`;
  // A port that cannot be read is reported under its own name; the URI then stands on the default one.
  const port = databaseParts.MONGO_PORT.parser.parse(text(layers, 'MONGO_PORT')) === null ? '27017' : text(layers, 'MONGO_PORT');
  return `mongodb://${login}${host}:${Number(port)}${query}`;
}

function partsWithoutHost(layers: readonly Layer[]): readonly Problem[] {
  const names: readonly PartName[] = ['MONGO_PORT', 'MONGO_USER', 'MONGO_PASSWORD'];
  const set = names.filter((name) => (lookUp(layers, name)?.text ?? '') !== '');
  if (set.length === 0) return [];
  return [
    complain('MONGO_HOST', {
      message: `${set.join(', ')} ${set.length === 1 ? 'is' : 'are'} set without MONGO_HOST.`,
      remedy: 'Set MONGO_HOST, or MONGO_URI alone.',
    }),
  ];
}

function text(layers: readonly Layer[], name: PartName): string {
  return lookUp(layers, name)?.text ?? defaultIn(databaseParts[name], 'production');
}

function isHost(host: string): boolean {
  return databaseParts.MONGO_HOST.parser.parse(host) !== null;
}
