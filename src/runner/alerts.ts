/** What a person must hear of: always an error in the log, and once in a while per matter a POST to ALERT_WEBHOOK_URL. */
import { messageOf } from '../domain/errors.js';
import type { Clock, Log, LogFields, Mark, Random } from '../domain/ports.js';

export interface AlertPolicy {
  readonly tries: number;
  readonly delayMs: number;
  readonly factor: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
}

/** `code` is stable, `about` tells two matters of one code apart. `cause` and `remedy` are sent as they are: no number, no name. */
export type Alert = (
  code: string,
  message: string,
  fields?: LogFields & { readonly about?: string; readonly cause?: string; readonly remedy?: string },
) => void;

export interface AlertOptions {
  readonly webhookUrl: string | null;
  readonly policy: AlertPolicy;
  readonly runner: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly abandon: AbortSignal;
}

/** The same matter is not sent again before this; the log has every occurrence. */
const QUIET_MS = 10 * 60_000;
const REQUEST_MS = 5_000;
const REMEMBERED = 1_000;

export function createAlerts(options: AlertOptions): Alert {
  const { clock, log, webhookUrl } = options;
  const sent = new Map<string, Mark>();

  async function post(url: string, body: string): Promise<void> {
    const { tries, delayMs, factor, maxDelayMs, jitter } = options.policy;
    let pauseMs = delayMs;
    for (let attempt = 1; attempt <= tries && !options.abandon.aborted; attempt += 1) {
      try {
        const reply = await fetch(url, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
          signal: AbortSignal.timeout(REQUEST_MS),
        });
        if (reply.ok) return;
        log.debug('the alert was not taken', { status: reply.status });
      } catch (error) {
        log.debug('the alert could not be sent', { error: messageOf(error) });
      }
      await clock.sleep(pauseMs * (1 + jitter * options.random()), options.abandon);
      pauseMs = Math.min(pauseMs * factor, maxDelayMs);
    }
  }

  return (code, message, fields = {}) => {
    log.error(message, { alert: code, ...fields });
    if (webhookUrl === null) return;
    const key = `${code} ${fields.about ?? ''}`;
    const last = sent.get(key);
    if (last !== undefined && clock.elapsedMs(last) < QUIET_MS) return;
    if (sent.size >= REMEMBERED) sent.clear();
    sent.set(key, clock.mark());
    // Ids and what was meant to be sent: what else a field holds is for the log, which hides what is private.
    const { cause, remedy, job_id: job, batch_id: batch, account_id: account, attempt_id: attempt, call_id: call } = fields;
    const body = { code, message, cause, remedy, runner: options.runner, at: clock.now(), job, batch, account, attempt, call };
    void post(webhookUrl, JSON.stringify(body));
  };
}
