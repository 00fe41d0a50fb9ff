/** Names of an import and its documents, worked out from the file, the account and the name alone: a second run finds what the first has written. */
import { createHash } from 'node:crypto';

const hash = (...parts: readonly string[]): Buffer => createHash('sha256').update(JSON.stringify(parts)).digest();

export function importIdOf(fingerprint: string, account: string, name: string): string {
  return `imp-${hash('import', fingerprint, account, name).toString('hex').slice(0, 24)}`;
}

/** 24 hexadecimal digits for an ObjectId. The time in front keeps SpeechAI's sorting by `_id` sensible. */
export function batchDocumentId(importId: string): string {
  return hash('batch', importId).toString('hex').slice(0, 24);
}

/** SpeechAI's form, `batch-YYYY-MM-DD-HHMMSS-<microseconds>`, the microseconds from the import. */
export function batchIdOf(importId: string, at: Date): string {
  const [date = '', time = ''] = at.toISOString().split('T');
  return `batch-${date}-${time.slice(0, 8).replaceAll(':', '')}-${hash('micros', importId).readUInt32BE(0) % 1_000_000}`;
}

export interface JobIds {
  /** 24 hexadecimal digits: second, batch, row; in the order of the file, which is the order of the calls. */
  documentId(line: number): string;
  /** `job_` + account + time + 8 hexadecimal digits, no two alike in one import. */
  jobId(line: number): string;
}

export function jobIdsOf(importId: string, batchId: string, account: string, at: Date): JobIds {
  const seconds = Math.floor(at.getTime() / 1000)
    .toString(16)
    .padStart(8, '0')
    .slice(-8);
  const ofBatch = hash('jobs', importId, batchId);
  const middle = ofBatch.toString('hex').slice(0, 8);
  const base = ofBatch.readUInt32BE(8);
  const stamp = at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
  return {
    documentId: (line) => `${seconds}${middle}${line.toString(16).padStart(8, '0').slice(-8)}`,
    jobId: (line) => `job_${account.slice(0, 8)}_${stamp}_${((base + line) >>> 0).toString(16).padStart(8, '0')}`,
  };
}
