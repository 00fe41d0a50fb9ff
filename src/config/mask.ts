/** What may be shown of a value. */
import type { Privacy } from './setting.js';
import { maskUri } from './uri.js';

const HIDDEN = '********';
const LONGEST = 80;
/** Below this length a secret's text is likely to be part of ordinary words, and hiding it would garble every message. */
const SHORTEST_SECRET = 4;

export function maskValue(privacy: Privacy | undefined, value: string): string {
  if (value === '') return '';
  if (privacy === 'secret') return HIDDEN;
  if (privacy === 'uri') return printable(maskUri(value));
  if (privacy === 'phone') return printable(value.split(',').map(maskPhone).join(','));
  return printable(maskKeyShapes(value));
}

/** Cuts every occurrence of the secrets out of a text that was made elsewhere. */
export function scrub(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) if (secret.length >= SHORTEST_SECRET) clean = clean.split(secret).join('****');
  return clean;
}

/** Hides what has the shape of a credential, wherever it stands: an API key pasted into the wrong variable, a URI in a driver's message. */
export function maskKeyShapes(text: string): string {
  return text
    .replace(/\bkey_[A-Za-z0-9]{6,}/g, 'key_****')
    .replace(/\bBearer\s+\S+/gi, 'Bearer ****')
    .replace(/:\/\/[^\s/@]*:[^\s/]*@/g, '://****@');
}

function maskPhone(phone: string): string {
  const trimmed = phone.trim();
  return trimmed.length <= 6 ? '*'.repeat(trimmed.length) : `${trimmed.slice(0, 3)}*****${trimmed.slice(-3)}`;
}

/** One line of readable text, however hostile the value. */
function printable(value: string): string {
  const escaped = value.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (char) =>
    char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return escaped.length > LONGEST ? `${escaped.slice(0, LONGEST)}... (${value.length} characters)` : escaped;
}
