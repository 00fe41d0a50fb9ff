/** A strict reader of `NAME=value` files. A line it does not understand is reported with its number, never skipped. */

export interface DotenvEntry {
  readonly name: string;
  readonly text: string;
  readonly line: number;
}

export interface DotenvError {
  readonly line: number;
  readonly message: string;
}

export interface Dotenv {
  readonly entries: readonly DotenvEntry[];
  readonly errors: readonly DotenvError[];
}

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=[ \t]*(.*)$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

export function readDotenv(content: string): Dotenv {
  const entries: DotenvEntry[] = [];
  const errors: DotenvError[] = [];
  const lines = content.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  lines.forEach((whole, index) => {
    const line = index + 1;
    const trimmed = whole.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return;
    const match = ASSIGNMENT.exec(trimmed);
    if (match === null) {
      errors.push({ line, message: 'this is not NAME=value' });
      return;
    }
    const [, name = '', rest = ''] = match;
    const value = readValue(rest);
    if (typeof value === 'string') entries.push({ name, text: value, line });
    else errors.push({ line, message: `${name}: ${value.error}` });
  });
  return { entries, errors };
}

/** A value without an inline comment: `10  # ten` is 10, as the system this program replaces wrote its files. */
export function stripComment(given: string): string {
  if (given.startsWith('# ')) return '';
  return given.replace(/\s+#.*$/s, '').trim();
}

function readValue(rest: string): string | { readonly error: string } {
  if (rest.includes('\0')) return { error: 'the value contains a NUL character' };
  const quote = rest[0];
  if (quote !== '"' && quote !== "'") return stripComment(rest);
  let value = '';
  for (let at = 1; at < rest.length; at += 1) {
    const char = rest.charAt(at);
    if (char === quote) {
      const after = rest.slice(at + 1).trim();
      return after === '' || after.startsWith('#') ? value : { error: 'there is text after the closing quote' };
    }
    if (quote === '"' && char === '\\') {
      at += 1;
      const escaped = ESCAPES[rest.charAt(at)];
      if (escaped === undefined) return { error: 'a backslash in double quotes must be followed by n, r, t, ", $ or another backslash' };
      value += escaped;
    } else {
      value += char;
    }
  }
  return { error: `the ${quote === '"' ? 'double' : 'single'} quote is never closed` };
}
