/** The program's own import of a generated file, as a process: rows a second from start to end, and its peak memory. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, runToEnd } from './daemons.js';
import { median, round } from './figures.js';
import { spread, type Bench } from './report.js';
import { seedCampaign } from './world.js';

const DATABASE = 'bench_import';

export async function importing({ world, quick, report }: Bench): Promise<void> {
  const rows = quick ? 10_000 : 50_000;
  const folder = await mkdtemp(join(tmpdir(), 'speechai-bench-import-'));
  const file = join(folder, 'contacts.csv');
  const rates: number[] = [];
  const peaks: number[] = [];
  try {
    await writeFile(file, csvOf(rows));
    for (let n = 0; n < (quick ? 1 : 3); n += 1) {
      const db = world.database(DATABASE);
      await seedCampaign(db, 0);
      const env = environment(world.uri, DATABASE, 'http://127.0.0.1:9', { LOG_LEVEL: 'ERROR' });
      const ended = await runToEnd(['batch', 'import', file, '--account', 'acc-bench', '--name', `round ${n}`, '--yes'], env, {
        probed: true,
      });
      const written = await db.collection('jobs').countDocuments();
      if (ended.code !== 0 || written !== rows) throw new Error(`the import ended with ${ended.code} and ${written} jobs: ${ended.errors}`);
      rates.push(rows / ended.seconds);
      peaks.push(ended.peakMb);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const most = Math.max(...peaks);
  report.keep('import', { rows, rates, peaks });
  report.note(`import of ${rows.toLocaleString('en')} rows, rows per second`, spread(rates));
  report.note(`import of ${rows.toLocaleString('en')} rows, peak memory`, `${round(most)} MB`, ['< 200 MB', most < 200]);
  report.plot('import', 'Rows imported per second', 'rows/s', [{ label: `${rows.toLocaleString('en')} rows`, value: median(rates) }]);
}

/** Numbers of a range that is not given out, national ids with their check digit. */
function csvOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, n) => {
    const id = 10_000_000 + n;
    const mobile = `+5695${String(n).padStart(7, '0')}`;
    return `${id}-${checkDigit(id)},Persona ${n},Empresa ${n % 7},${1_000 + (n % 90_000)},2030-01-31,${n % 60},${mobile}`;
  });
  return `RUT,Nombre,Origen Empresa,Saldo actualizado,FechaVencimiento,diasRetraso,Teléfono móvil\n${lines.join('\n')}\n`;
}

function checkDigit(id: number): string {
  const sum = Array.from(String(id))
    .reverse()
    .reduce((all, digit, n) => all + Number(digit) * (2 + (n % 6)), 0);
  const rest = 11 - (sum % 11);
  return rest === 11 ? '0' : rest === 10 ? 'K' : String(rest);
}
