/** Other names for our settings: those of earlier versions and of the systems people come from. */
import { complain } from './complain.js';
import { maskValue } from './mask.js';
import type { Problem } from './problem.js';
import { entryNamed } from './schema.js';
import type { Layer, Written } from './layer.js';

export interface Alias {
  readonly name: string;
  readonly target: string;
  /** The text for the target; null: this value is not meant for us. */
  readonly convert: (text: string) => string | null;
  /** Added to the warning where the meaning differs. */
  readonly note: string;
}

const WHOLE = /^\d+$/;

export const ALIASES: readonly Alias[] = [
  { name: 'MAX_TRIES', target: 'MAX_ATTEMPTS', convert: (text) => text, note: '' },
  { name: 'MONGODB_URI', target: 'MONGO_URI', convert: (text) => text, note: '' },
  // Many programs have a DATABASE_URL; only one of MongoDB can be ours.
  { name: 'DATABASE_URL', target: 'MONGO_URI', convert: (text) => (/^mongodb(?:\+srv)?:/.test(text) ? text : null), note: '' },
  {
    name: 'DEFAULT_RETRY_NUMBER',
    target: 'MAX_ATTEMPTS',
    convert: (text) => (WHOLE.test(text) ? String(Number(text) + 1) : text),
    note: ' It counts retries, so the attempts are one more.',
  },
  {
    name: 'DEFAULT_MAX_CALL_DURATION',
    target: 'CALL_MAX_DURATION_MINUTES',
    convert: (text) => (WHOLE.test(text) ? String(Number(text) / 60) : text),
    note: ' It is in seconds.',
  },
];

export interface Translated {
  /** One more layer per alias that was found, to be looked at where its own layer stands. */
  readonly layers: readonly Layer[];
  readonly problems: readonly Problem[];
}

/**
 * Puts the old names' values under the new names, layer by layer, so that a stronger source still wins. Old and new set
 * to different things by people (the profile aside) is an error: nobody can know which one was meant.
 */
export function translateAliases(layers: readonly Layer[]): Translated {
  const problems: Problem[] = [];
  const translated = layers.map((layer) => new Map(layer));
  for (const { name, target, convert, note } of ALIASES) {
    let told = false;
    for (const [index, layer] of layers.entries()) {
      const old = layer.get(name);
      const text = old === undefined ? null : convert(old.text);
      if (old === undefined || text === null) continue;
      if (!told)
        problems.push(
          complain(name, {
            level: 'warning',
            about: target,
            message: `${name} is an old name of ${target}.${note}`,
            remedy: `Write ${spelled(target, text)} instead.`,
          }),
        );
      told = true;
      const rival = conflicting(translated, target, text);
      if (rival !== undefined) problems.push(conflict(name, old, target, rival));
      const own = translated[index];
      if (own !== undefined && !own.has(target)) own.set(target, { ...old, text, where: `${name} (${old.where})` });
    }
  }
  return { layers: translated, problems };
}

/** DEFAULT_RETRY_GAP says no unit: reading it as minutes or seconds would be a guess of a factor of sixty. */
export function unitlessNames(layers: readonly Layer[]): readonly Problem[] {
  if (!layers.some((layer) => layer.has('DEFAULT_RETRY_GAP'))) return [];
  return [
    complain('DEFAULT_RETRY_GAP', {
      level: 'warning',
      about: 'RETRY_DELAY_MINUTES',
      message: 'DEFAULT_RETRY_GAP has no stated unit and is ignored.',
      remedy: 'Set RETRY_DELAY_MINUTES, in minutes, instead.',
    }),
  ];
}

function conflicting(layers: readonly Layer[], target: string, text: string): Written | undefined {
  for (const layer of layers) {
    const rival = layer.get(target);
    if (rival !== undefined && rival.kind !== 'profile' && canonical(target, rival.text) !== canonical(target, text)) return rival;
  }
  return undefined;
}

function conflict(name: string, old: Written, target: string, rival: Written): Problem {
  // The rival may itself have come from another old name; its `where` then says so.
  const other = rival.where.includes('(') ? rival.where : `${target} (${rival.where})`;
  const privacy = entryNamed(target)?.setting.privacy;
  return complain(target, {
    message: `${name} (${old.where}) and ${other} are set to different values.`,
    given: null,
    remedy: `Remove ${name} and keep ${target}${privacy === undefined ? `=${maskValue(privacy, rival.text)}` : ''}, or the other way round.`,
  });
}

function canonical(target: string, text: string): string {
  const read = entryNamed(target)?.setting.parser.parse(text);
  return read === null || read === undefined ? text : JSON.stringify(read.value);
}

function spelled(target: string, text: string): string {
  const privacy = entryNamed(target)?.setting.privacy;
  return privacy === undefined ? `${target}=${maskValue(privacy, text)}` : target;
}
