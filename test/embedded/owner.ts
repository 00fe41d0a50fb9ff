/** A process that uses the embedded database of a folder: `node --import tsx owner.ts FOLDER`. It says what it got, and closes at the end of stdin. */

import { openEmbedded } from '../../src/embedded/open.js';

const engine = await openEmbedded(process.argv[2] ?? null, {
  onGone: (line) => console.log(JSON.stringify({ line, pid: engine.pid(), uri: engine.uri })),
});
console.log(JSON.stringify({ pid: engine.pid(), uri: engine.uri, provider: engine.provider }));
process.stdin.resume();
process.stdin.once('end', () => void engine.close().then(() => process.exit(0)));
