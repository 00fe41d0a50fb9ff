/** `npm run demo`: the whole program at work on a campaign of invented people, within a minute and without calling anybody. */
import { killChildren } from './demo/crew.js';
import { HELP, readOptions } from './demo/options.js';
import { createOutput } from './demo/output.js';
import { play } from './demo/stage.js';
import { summaryLines, summaryObject } from './demo/summary.js';
import { EXIT, SpeechAiError, messageOf } from '../src/domain/errors.js';

const read = readOptions(process.argv.slice(2));
const interrupted = new AbortController();

/** A terminal's Ctrl-C may reach us twice, from the terminal and from npm: that is one wish. */
const TOGETHER_MS = 300;
let firstMs = 0;

/** The first signal ends it in order; the second at once. The database's process ends with our connection to it. */
function onSignal(): void {
  if (interrupted.signal.aborted) {
    if (performance.now() - firstMs < TOGETHER_MS) return;
    killChildren();
    process.exit(EXIT.interrupted);
  }
  firstMs = performance.now();
  interrupted.abort();
}

async function main(): Promise<number> {
  if (read.kind === 'help') {
    process.stdout.write(`${HELP}\n`);
    return EXIT.ok;
  }
  if (read.kind === 'wrong') {
    process.stderr.write(`${read.message}\n\n${HELP}\n`);
    return EXIT.usage;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // Whoever reads us (`| head`) has left.
  process.stdout.on('error', () => interrupted.abort());
  const output = createOutput(process.stdout, read.options.json, process.env);
  const ending = await play({ options: read.options, output, interrupted: interrupted.signal });
  output.end();
  if (ending === null) {
    process.stderr.write('interrupted\n');
    return EXIT.interrupted;
  }
  for (const line of summaryLines(ending)) output.say(line);
  output.object(summaryObject(ending));
  if (ending.audit.breaches.length > 0) return EXIT.found;
  return ending.cutShort === null ? EXIT.ok : EXIT.failed;
}

try {
  process.exitCode = await main();
} catch (error) {
  killChildren();
  process.stderr.write(`${messageOf(error)}\n${error instanceof SpeechAiError ? `${error.remedy}\n` : ''}`);
  process.exitCode = error instanceof SpeechAiError ? error.exitCode : EXIT.failed;
}
