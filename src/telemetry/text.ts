/** Masks credentials and personal data in free text: messages, stacks, URLs, JSON and key-value pairs written into sentences. */
import { kindOfKey } from './keys.js';
import { maskNumbers, maskPhone } from './phones.js';

export const REDACTED = '[redacted]';

const URL_TOKEN = /[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^\s"'<>`]+/g;
const PERCENT_TOKEN = /[^\s"'<>`]*%[0-9A-Fa-f]{2}[^\s"'<>`]*/g;
const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const SCHEME_AND_TOKEN = /\b(bearer|basic|digest)(\s+|%20|\+)(?=[^\s"']*[^\s"'a-z])[^\s"'\\,;]+/gi;
const RETELL_KEY = /(?<![A-Za-z0-9])key_[A-Za-z0-9_-]{6,}/g;
const JWT = /\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?/g;

function maskQuery(query: string): string {
  return query
    .split('&')
    .map((part) => {
      const equals = part.indexOf('=');
      const key = decode(equals < 0 ? part : part.slice(0, equals));
      const value = decode(equals < 0 ? '' : part.slice(equals + 1));
      const kind = kindOfKey(key);
      if (equals >= 0 && kind !== 'plain' && kind !== 'id') return `${part.slice(0, equals)}=${REDACTED}`;
      // The decoded form may show what the encoded one hides.
      const shown = equals < 0 ? maskText(key) : `${maskText(key)}=${maskText(value)}`;
      return shown === (equals < 0 ? key : `${key}=${value}`) ? part : shown;
    })
    .join('&');
}

/** Sequence by sequence: one stray per cent sign must not leave the rest of the text encoded. */
function decode(text: string): string {
  return text.replaceAll('+', ' ').replace(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}

/** Passwords are often written unescaped, so the last `@` ends the user's part, wherever a parser would see it. */
function maskUrl(url: string): string {
  const start = url.indexOf('://') + 3;
  const at = url.lastIndexOf('@');
  const bare = at < start ? url : `${url.slice(0, start)}${REDACTED}${url.slice(at)}`;
  const question = bare.indexOf('?');
  if (question < 0) return bare;
  return `${bare.slice(0, question)}?${maskQuery(bare.slice(question + 1))}`;
}

function maskPercent(token: string): string {
  let decoded = token;
  // Twice and thrice encoded values occur where a URL travels inside a URL.
  for (let round = 0; round < 3; round += 1) {
    const next = decode(decoded);
    if (next === decoded) break;
    decoded = next;
    const masked = maskPlain(decoded.replace(URL_TOKEN, maskUrl));
    if (masked !== decoded) return masked;
  }
  return token;
}

const PAIR = /([A-Za-z_$][\w$.-]{1,63})((?:\\*["'`])?\]?)\s{0,2}(?:=>|[:=])\s{0,2}/g;

/** Where a quoted text that opens at `from` ends. An unclosed one ends nowhere, so it takes the rest. */
function endOfQuoted(text: string, from: number, quote: string): number {
  let at = from + quote.length;
  while (at < text.length) {
    const close = text.indexOf(quote, at);
    if (close < 0) return text.length;
    let slashes = 0;
    while (close - slashes - 1 >= from + quote.length && text[close - slashes - 1] === '\\') slashes += 1;
    if (slashes % 2 === 0) return close + quote.length;
    at = close + 1;
  }
  return text.length;
}

function endOfBraces(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}

/** Names that are ordinary words in a sentence ("no contact: the batch is paused") and take only quoted or braced values. */
const PROSE = /^(?:contact|payload|variables|phones?|number|numbers|mobile|summary|caller|callee|locks?|credentials?|pass)$/i;
const WHOLE_LINE = /authorization|cookie|transcript|summary/i;

function endOfBare(text: string, from: number, key: string, sign: string): number {
  const stop = WHOLE_LINE.test(key) ? /[\n\r]/g : sign === '=' ? /[\s&;,)}\]"']/g : /[;,}\]\n\r"]/g;
  stop.lastIndex = from;
  return stop.exec(text)?.index ?? text.length;
}

function maskPairs(text: string): string {
  let result = '';
  let from = 0;
  PAIR.lastIndex = 0;
  for (let pair = PAIR.exec(text); pair !== null; pair = PAIR.exec(text)) {
    const key = pair[1] ?? '';
    const kind = kindOfKey(key.slice(key.lastIndexOf('.') + 1));
    if (kind === 'plain' || kind === 'id') continue;
    const start = PAIR.lastIndex;
    const rest = text.slice(start, start + 16);
    if (/^(?:null|undefined|true|false|\[redacted\]|\[rut\]|\*{5})/.test(rest)) continue;
    const quote = /^\\*["'`]/.exec(rest)?.[0];
    let end: number;
    if (quote !== undefined) end = endOfQuoted(text, start, quote);
    else if (/^[[{]/.test(rest)) end = endOfBraces(text, start);
    else if (kind === 'phone' || PROSE.test(key)) continue;
    else end = endOfBare(text, start, key, pair[0].includes('=') ? '=' : ':');
    if (end <= start) continue;
    const value = text.slice(start, end);
    const shown =
      kind === 'phone' && quote !== undefined ? `${quote}${maskPhone(value)}${quote}` : (quote ?? '') + REDACTED + (quote ?? '');
    result += text.slice(from, start) + shown;
    from = end;
    PAIR.lastIndex = end;
  }
  return from === 0 ? text : result + text.slice(from);
}

const maskPlain = (text: string): string =>
  maskNumbers(
    maskPairs(
      text.replace(PEM, REDACTED).replace(SCHEME_AND_TOKEN, `$1 ${REDACTED}`).replace(RETELL_KEY, `key_${REDACTED}`).replace(JWT, REDACTED),
    ),
  );

export function maskText(text: string): string {
  if (text.length < 4) return text;
  const bare = text.includes('://') ? text.replace(URL_TOKEN, maskUrl) : text;
  return maskPlain(bare.includes('%') ? bare.replace(PERCENT_TOKEN, maskPercent) : bare);
}
