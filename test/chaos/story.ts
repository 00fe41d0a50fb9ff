/** The story of one job: what the provider saw, what the documents say, what the daemons wrote in their journals, in the order of time. */

import { readFileSync } from 'node:fs';
import type { Document } from 'mongodb';
import type { Evidence } from './evidence.js';

const LONGEST = 400;

export const storyOf = (ref: string, { ledger, documents, jobs, logs }: Evidence): string[] => {
  const facts = jobs.find((job) => job.ref === ref);
  const attempts = documents.attempts.filter((attempt) => attempt['job_ref'] === ref);
  const ids = new Set([
    ref,
    ...attempts.flatMap((attempt) => [String(attempt['_id']), ...(typeof attempt['call_id'] === 'string' ? [attempt['call_id']] : [])]),
  ]);
  const mentions = (line: string): boolean => [...ids].some((id) => line.includes(id));
  const lines: { at: string; text: string }[] = [];
  for (const entry of ledger) {
    const line = JSON.stringify(entry);
    if (mentions(line) || facts?.phones.includes(entry.to ?? '') === true) lines.push({ at: entry.at, text: `provider  ${line}` });
  }
  for (const attempt of attempts) lines.push({ at: iso(attempt['at']), text: `attempt   ${JSON.stringify(short(attempt))}` });
  for (const log of logs) {
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      if (mentions(line)) lines.push({ at: timeOf(line), text: `${log.replace(/^.*\//, '').replace('.log', '')}  ${line}` });
    }
  }
  const job = documents.jobs.find((one) => one['job_id'] === ref);
  return [
    `The story of ${ref}:`,
    ...lines.toSorted((a, b) => a.at.localeCompare(b.at)).map(({ at, text }) => `${at} ${text.slice(0, LONGEST)}`),
    `the job at the end: ${job === undefined ? 'gone' : JSON.stringify(short(job))}`,
  ];
};

const iso = (value: unknown): string => (value instanceof Date ? value.toISOString() : '');
const timeOf = (line: string): string => /"time":"([^"]+)"/.exec(line)?.[1] ?? /"(?:at|ts|timestamp)":"([^"]+)"/.exec(line)?.[1] ?? '';

/** Without what is long and tells nothing here. */
const short = (document: Document): Document => {
  const {
    payload: _payload,
    call_result: _result,
    result: _full,
    job_fields: _fields,
    estimate: _estimate,
    timezone: _zone,
    ...rest
  } = document;
  return rest;
};
