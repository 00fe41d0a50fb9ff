import { choice, duration, flag, integer, number, optional } from '../parser.js';
import type { Section, Setting } from '../setting.js';
import type { RetryPolicy } from '../settings.js';

/** The kinds of request that have a policy. Placing a call has none, on purpose: it is never sent twice. */
export const RETRY_KINDS = {
  MONGO_CONNECT: 'connecting to the database',
  RETELL_READ: 'reading a call, an agent or a number',
  RETELL_LIST: 'listing calls',
  RETELL_STOP: 'stopping a call',
  ALERT_WEBHOOK: 'sending an alert',
} as const;

type Policy = { readonly [K in keyof RetryPolicy]: Setting<RetryPolicy[K]> };

function policy(kind: keyof typeof RETRY_KINDS): Policy {
  const what = RETRY_KINDS[kind];
  return {
    tries: {
      name: `RETRY_${kind}_TRIES`,
      parser: integer({ min: 1, max: 1_000 }),
      default: { development: '5', testing: '2', staging: '5', production: '5' },
      describe: `Maximum tries, including the first, when ${what}.`,
      example: '5',
    },
    delayMs: {
      name: `RETRY_${kind}_DELAY_MS`,
      parser: duration('ms', { min: 0, max: 3_600_000 }),
      default: { development: '1000', testing: '50', staging: '1000', production: '1000' },
      unit: 'milliseconds',
      describe: `Wait after the first failure when ${what}.`,
      example: '1000',
    },
    factor: {
      name: `RETRY_${kind}_FACTOR`,
      parser: number({ min: 1, max: 10 }),
      default: '2',
      describe: `Each further wait is this many times the previous one, when ${what}.`,
      example: '2',
    },
    maxDelayMs: {
      name: `RETRY_${kind}_MAX_DELAY_MS`,
      parser: duration('ms', { min: 0, max: 86_400_000 }),
      default: { development: '60000', testing: '1000', staging: '60000', production: '60000' },
      unit: 'milliseconds',
      describe: `Longest wait between two tries when ${what}.`,
      example: '60000',
    },
    jitter: {
      name: `RETRY_${kind}_JITTER`,
      parser: number({ min: 0, max: 1 }),
      default: '0.2',
      describe: `Share of each wait that is random, 0 to 1, when ${what}.`,
      example: '0.2',
    },
    honourRetryAfter: {
      name: `RETRY_${kind}_RETRY_AFTER`,
      parser: flag(),
      default: 'true',
      describe: `Whether to obey a Retry-After header when ${what}.`,
      example: 'true',
    },
  };
}

const mongoConnect = policy('MONGO_CONNECT');
const retellRead = policy('RETELL_READ');
const retellList = policy('RETELL_LIST');
const retellStop = policy('RETELL_STOP');
const alertWebhook = policy('ALERT_WEBHOOK');

export const retries: Section<'retries'> = {
  'retries.maxAttempts': {
    name: 'MAX_ATTEMPTS',
    parser: optional(integer({ min: 1, max: 100 })),
    default: '',
    describe: "Maximum calls to one contact, unless the batch sets it. If unset, the job's own limit applies, otherwise 3.",
    example: '3',
  },
  'retries.retryDelayMs': {
    name: 'RETRY_DELAY_MINUTES',
    parser: duration('minutes', { min: 0, max: 43_200 }),
    default: '30',
    unit: 'minutes',
    describe: 'Wait after a busy or failed call, counted from its end, unless the batch sets it.',
    example: '30',
  },
  'retries.noAnswerRetryMs': {
    name: 'NO_ANSWER_RETRY_MINUTES',
    parser: duration('minutes', { min: 0, max: 43_200 }),
    default: '60',
    unit: 'minutes',
    describe: 'Wait after an unanswered call or voicemail, unless the batch sets it.',
    example: '60',
  },
  'retries.transientRetries': {
    name: 'TRANSIENT_RETRIES',
    parser: integer({ min: 0, max: 1_000 }),
    default: '5',
    describe: "How many calls of one job may fail for the provider's own reasons without counting as attempts.",
    example: '5',
  },
  'retries.transientRetryMs': {
    name: 'TRANSIENT_RETRY_MINUTES',
    parser: duration('minutes', { min: 0, max: 1_440 }),
    default: '1',
    unit: 'minutes',
    describe: 'Wait after such a failure: a random time between this and twice this.',
    example: '1',
  },
  'retries.minRedialMs': {
    name: 'MIN_REDIAL_MINUTES',
    parser: duration('minutes', { min: 0, max: 43_200 }),
    default: '1',
    unit: 'minutes',
    describe: 'Minimum time before the same number is dialled again, for any job.',
    example: '1',
  },
  'retries.voicemailPolicy': {
    name: 'VOICEMAIL_POLICY',
    parser: choice(['retry', 'done', 'fail']),
    default: 'retry',
    describe: 'What to do after a voicemail: call again as after no answer, count the job as done, or as failed.',
    example: 'retry',
  },
  'retries.successStatus': {
    name: 'JOB_SUCCESS_STATUS',
    parser: choice(['done', 'completed']),
    default: 'done',
    describe: 'Status written to a successful job; use `completed` if the API counts only that. Both are read the same way.',
    example: 'done',
  },
  'retries.mongoConnect.tries': mongoConnect.tries,
  'retries.mongoConnect.delayMs': mongoConnect.delayMs,
  'retries.mongoConnect.factor': mongoConnect.factor,
  'retries.mongoConnect.maxDelayMs': mongoConnect.maxDelayMs,
  'retries.mongoConnect.jitter': mongoConnect.jitter,
  'retries.mongoConnect.honourRetryAfter': mongoConnect.honourRetryAfter,
  'retries.retellRead.tries': retellRead.tries,
  'retries.retellRead.delayMs': retellRead.delayMs,
  'retries.retellRead.factor': retellRead.factor,
  'retries.retellRead.maxDelayMs': retellRead.maxDelayMs,
  'retries.retellRead.jitter': retellRead.jitter,
  'retries.retellRead.honourRetryAfter': retellRead.honourRetryAfter,
  'retries.retellList.tries': retellList.tries,
  'retries.retellList.delayMs': retellList.delayMs,
  'retries.retellList.factor': retellList.factor,
  'retries.retellList.maxDelayMs': retellList.maxDelayMs,
  'retries.retellList.jitter': retellList.jitter,
  'retries.retellList.honourRetryAfter': retellList.honourRetryAfter,
  'retries.retellStop.tries': retellStop.tries,
  'retries.retellStop.delayMs': retellStop.delayMs,
  'retries.retellStop.factor': retellStop.factor,
  'retries.retellStop.maxDelayMs': retellStop.maxDelayMs,
  'retries.retellStop.jitter': retellStop.jitter,
  'retries.retellStop.honourRetryAfter': retellStop.honourRetryAfter,
  'retries.alertWebhook.tries': alertWebhook.tries,
  'retries.alertWebhook.delayMs': alertWebhook.delayMs,
  'retries.alertWebhook.factor': alertWebhook.factor,
  'retries.alertWebhook.maxDelayMs': alertWebhook.maxDelayMs,
  'retries.alertWebhook.jitter': alertWebhook.jitter,
  'retries.alertWebhook.honourRetryAfter': alertWebhook.honourRetryAfter,
};
