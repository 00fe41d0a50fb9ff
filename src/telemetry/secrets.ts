/** Finds given secret values in any text, in every spelling in which libraries tend to print them. */

const REPLACEMENT = '[redacted]';

/** Shorter ones would turn every line into holes and protect nothing. */
const MIN_SECRET_LENGTH = 4;
const MIN_BASE64_LENGTH = 6;

export interface SecretFilter {
  scrub(text: string): string;
  /** No spelling of any secret is longer than this; a cut text may end with part of one. */
  readonly longest: number;
}

/**
 * Base64 of a secret depends on where in the encoded text it stands (`user:secret` moves it). For each of the three
 * alignments only the characters that its own bits decide are looked for.
 */
function base64Cores(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const cores: string[] = [];
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const first = Math.ceil((shift * 8) / 6);
    const end = Math.floor(((shift + bytes.length) * 8) / 6);
    cores.push(encoded.slice(first, end));
  }
  return cores.filter((core) => core.length >= MIN_BASE64_LENGTH);
}

const lowerPercent = (text: string): string => text.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());

/** A lone surrogate has no UTF-8 and makes encodeURIComponent throw. */
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

const percentEncoded = (text: string): string => encodeURIComponent(wellFormed(text));

function spellings(secret: string): string[] {
  const percent = percentEncoded(secret);
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  const json = JSON.stringify(secret).slice(1, -1);
  const hex = Buffer.from(secret, 'utf8').toString('hex');
  const base64 = base64Cores(secret);
  const everyBytePercent = hex.toUpperCase().replace(/../g, '%$&');
  return [
    secret,
    percent,
    lowerPercent(percent),
    percentEncoded(percent),
    encodeURI(wellFormed(secret)),
    form,
    lowerPercent(form),
    everyBytePercent,
    lowerPercent(everyBytePercent),
    secret.replaceAll(' ', '+'),
    json,
    JSON.stringify(json).slice(1, -1),
    hex,
    hex.toUpperCase(),
    ...base64,
    ...base64.map((core) => core.replaceAll('+', '-').replaceAll('/', '_')),
    ...base64.map(percentEncoded),
  ];
}

export function createSecretFilter(secrets: readonly string[]): SecretFilter {
  const wanted = secrets.map((secret) => secret.trim()).filter((secret) => secret.length >= MIN_SECRET_LENGTH);
  // Longest first: a short spelling inside a longer one would leave the rest of the longer one standing.
  const all = [...new Set(wanted.flatMap(spellings))]
    .filter((spelling) => spelling.length >= MIN_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
  return {
    longest: all[0]?.length ?? 0,
    scrub(text) {
      let result = text;
      for (const spelling of all) if (result.includes(spelling)) result = result.replaceAll(spelling, REPLACEMENT);
      return result;
    },
  };
}
