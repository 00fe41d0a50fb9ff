/** A job whose document has no room left for a lease: nothing can be written to it but that it failed. */
import { idKey } from '../domain/job.js';
import type { AnyDocument } from '../store/connection.js';
import type { Context } from './context.js';

/** False: there was none. */
export function tellFull(cx: Pick<Context, 'alert'>, job: AnyDocument | null): boolean {
  if (job === null) return false;
  const ref: unknown = job['job_id'];
  const id = typeof ref === 'string' ? ref : idKey(job._id);
  const message = 'a job fills its document to the last byte; nobody can work on it, and it is failed';
  cx.alert('JOB_FULL', message, { job_id: id, batch_id: job['batch_id'], account_id: job['account_id'], about: id });
  return true;
}
