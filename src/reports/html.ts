/** The figures as one HTML file that needs nothing else: no script, no font, no picture from anywhere. */
import type { Cell } from './columns.js';
import { cellText, periodText, type About, type Section } from './sections.js';

const STYLE = `
  body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1d2733; background: #fff }
  h1 { font-size: 1.5rem; margin-bottom: .2rem } h2 { font-size: 1.1rem; margin-top: 2rem } p { color: #5b6875; margin-top: 0 }
  table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .7rem; border-bottom: 1px solid #dfe4e9 }
  td.n, th.n { text-align: right; font-variant-numeric: tabular-nums } .bar { display: inline-block; height: .6rem; background: #2f6f9f }
  td.b { width: 30% } @media print { body { margin: 0 } }
  @media (prefers-color-scheme: dark) { body { background: #14191f; color: #dde4ea } th, td { border-color: #313b46 } p { color: #93a1af } }`;

export function htmlOf(about: About, sections: readonly Section[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(about.title)}</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>${escaped(about.title)}</h1>
<p>${escaped(periodText(about))}; made at ${about.at.toISOString()}</p>
${sections
  .filter(({ rows }) => rows.length > 0)
  .map(sectionHtml)
  .join('\n')}
</body>
</html>
`;
}

/** A bar beside what is counted, so that a day or an hour stands out; not in the summary, whose lines are of different kinds. */
function sectionHtml({ title, head, rows }: Section): string {
  const counts = rows.map((row) => (typeof row[1] === 'number' ? row[1] : 0));
  const most = head[0] === 'measure' ? 0 : Math.max(...counts);
  const isNumber = head.map((_, n) => n > 0 && rows.some((row) => typeof row[n] === 'number'));
  const cell = (tag: string, value: Cell, n: number): string =>
    `<${tag}${isNumber[n] === true ? ' class="n"' : ''}>${escaped(cellText(value))}</${tag}>`;
  const bar = (value: number): string =>
    most === 0 ? '' : `<td class="b"><span class="bar" style="width:${((value / most) * 100).toFixed(1)}%"></span></td>`;
  const lines = rows.map((row, at) => `<tr>${row.map((value, n) => cell('td', value, n)).join('')}${bar(counts[at] ?? 0)}</tr>`);
  return `<h2>${escaped(title)}</h2>
<table>
<thead><tr>${head.map((name, n) => cell('th', name, n)).join('')}${most === 0 ? '' : '<th></th>'}</tr></thead>
<tbody>
${lines.join('\n')}
</tbody>
</table>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (raw: string): string => raw.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
