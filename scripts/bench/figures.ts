/** Percentiles, and pictures of series: no more than the reports need. */

export function percentile(values: readonly number[], rank: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((rank / 100) * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

export interface Bar {
  readonly label: string;
  readonly value: number;
}

const WIDTH = 640;
const ROW = 26;
const LEFT = 220;

/** One horizontal bar per row, the value written beside it. */
export function barChart(title: string, unit: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map((bar) => bar.value), Number.MIN_VALUE);
  const rows = bars.map((bar, n) => {
    const y = 40 + n * ROW;
    const width = Math.max(1, (bar.value / most) * (WIDTH - LEFT - 110));
    return [
      `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${escape(bar.label)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="18" fill="#3b6ea8"/>`,
      `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 13}">${escape(`${round(bar.value)} ${unit}`)}</text>`,
    ].join('');
  });
  const height = 56 + bars.length * ROW;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12"><text x="12" y="22" font-size="14">${escape(title)}</text>${rows.join('')}</svg>\n`;
}

export function round(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
