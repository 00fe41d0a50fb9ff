/** P8 and P7 by what the daemons wrote: no full number, no key, nobody surprised. */

import { readFileSync } from 'node:fs';
import { API_KEY } from './options.js';
import type { Evidence } from './evidence.js';
import type { Breach, Finding } from './finding.js';

/** Not in the middle of an id, which is hexadecimal. */
const PRIVATE = new RegExp(`(?<![0-9a-f])569\\d{8}(?![0-9a-f])|${API_KEY}`);
const SURPRISED = /"level":"?(?:fatal|60)"?|unhandledRejection|UnhandledPromiseRejection|uncaughtException|^\s+at .*\.js:\d+/;

export const logInvariants = ({ logs }: Pick<Evidence, 'logs'>): Finding[] => {
  let lines = 0;
  const told: Breach[] = [];
  const surprised: Breach[] = [];
  for (const log of logs) {
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      lines += 1;
      if (PRIVATE.test(line)) told.push({ text: `${log}: ${line.slice(0, 300)}` });
      if (SURPRISED.test(line)) surprised.push({ text: `${log}: ${line.slice(0, 300)}` });
    }
  }
  return [
    { promise: 'P8', name: 'no number and no key in a log line', checked: lines, breaches: told },
    { promise: 'P7', name: 'no fatal line, no unhandled rejection', checked: lines, breaches: surprised },
  ];
};
