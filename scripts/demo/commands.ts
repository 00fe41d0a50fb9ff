/** Commands to try on the database the demo leaves behind: each of them works as printed, from the folder of the project. */
import { relative } from 'node:path';
import type { Campaign } from './campaign.js';

export function nextCommands(envFile: string, campaign: Campaign): string[] {
  const program = `node dist/main.js --settings-file ${quoted(envFile)}`;
  return [`${program} batch list`, `${program} job show ${campaign.storyJob}`, `${program} explain batch ${campaign.closed}`];
}

/** For a shell; the folder may be anything a person named. */
const quoted = (path: string): string => {
  const near = relative(process.cwd(), path);
  const short = near !== '' && !near.startsWith('..') ? near : path;
  return /^[\w./+-]+$/.test(short) ? short : `'${short.replaceAll("'", "'\\''")}'`;
};
