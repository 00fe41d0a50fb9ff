/** Settings that are each allowed, and together do not make sense. */
import { complain } from './complain.js';
import type { Problem } from './problem.js';
import type { Rule, RuleContext } from './rule.js';
import { severity } from './rule.js';
import { RETRY_KINDS } from './sections/retries.js';
import type { RetryPolicy, Settings } from './settings.js';
import { readMongoUri } from './uri.js';

/** systemd kills a service this long after asking it to stop, unless TimeoutStopSec says otherwise. */
const SYSTEMD_STOP_MS = 90_000;
const HANDOVER_MS = 2_000;
/** Time for a list to show a call that was placed at the last moment. */
const RECONCILE_MARGIN_MS = 10_000;
/** Connections a daemon opens at the same time: claims, stages, tracker, notifications, and one that only renews leases. */
const DAEMON_CONNECTIONS = 8;
/** Retell refuses rings shorter than this. */
const SHORTEST_RING_MS = 5_000;

export const SENSE: readonly Rule[] = [
  {
    reads: ['ENV', 'LEASE_SECONDS', 'RETELL_TIMEOUT_SECONDS', 'MONGO_WTIMEOUT_SECONDS', 'MONGO_SOCKET_TIMEOUT_SECONDS'],
    check: leaseOverTimeouts,
  },
  { reads: ['LEASE_SECONDS', 'DIAL_WITHIN_MS'], check: leaseOverDial },
  {
    reads: ['ENV', 'RECONCILE_WINDOW_SECONDS', 'RETELL_TIMEOUT_SECONDS', 'RING_TIMEOUT_SECONDS', 'DIAL_WITHIN_MS'],
    check: reconcileWindow,
  },
  { reads: ['ENV', 'RING_TIMEOUT_SECONDS'], check: ringTime },
  { reads: ['ENV', 'MONGO_MAX_POOL_SIZE', 'MONGO_MIN_POOL_SIZE'], check: pool },
  { reads: ['SHUTDOWN_GRACE_SECONDS', 'STOP_MODE'], check: grace },
  { reads: ['CALL_POLLING_INTERVAL', 'POLL_TIMEOUT_SECONDS'], check: polling },
  { reads: ['RING_TIMEOUT_SECONDS', 'POLL_TIMEOUT_SECONDS'], check: unanswered },
  { reads: ['WORKER_COUNT', 'MAX_CONCURRENT_CALLS'], check: idleWorkers },
  { reads: ['MONGO_URI'], check: readPreference },
  { reads: ['LOG_DIR', 'LOG_FILES'], check: logFiles },
  { reads: [], check: collections },
  { reads: Object.keys(RETRY_KINDS).flatMap((kind) => [`RETRY_${kind}_DELAY_MS`, `RETRY_${kind}_MAX_DELAY_MS`]), check: retryDelays },
];

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(3))} s`;
}

/** Renewals go out at a third of the lease; one that hangs for its whole timeout must still leave time for the next. */
function leaseOverTimeouts({ settings }: RuleContext): readonly Problem[] {
  const limits = [
    { name: 'RETELL_TIMEOUT_SECONDS', ms: settings.retell.timeoutMs },
    { name: 'MONGO_WTIMEOUT_SECONDS', ms: settings.database.wtimeoutMs },
    { name: 'MONGO_SOCKET_TIMEOUT_SECONDS', ms: settings.database.socketTimeoutMs },
  ].filter((limit) => limit.ms > (settings.workers.leaseMs * 2) / 3);
  const worst = limits.toSorted((a, b) => b.ms - a.ms)[0];
  if (worst === undefined) return [];
  return [
    complain('LEASE_SECONDS', {
      level: severity(settings),
      message: `The lease (${seconds(settings.workers.leaseMs)}) could run out while one request waits for its timeout: ${limits.map((limit) => limit.name).join(', ')}.`,
      given: String(settings.workers.leaseMs / 1_000),
      remedy: `Set LEASE_SECONDS to at least ${Math.ceil((worst.ms * 3) / 2_000)}, or shorten these timeouts.`,
    }),
  ];
}

function leaseOverDial({ settings }: RuleContext): readonly Problem[] {
  if (settings.calls.dialWithinMs * 2 <= settings.workers.leaseMs) return [];
  return [
    complain('DIAL_WITHIN_MS', {
      message: `A call could still be placed when its lease (${seconds(settings.workers.leaseMs)}) is nearly over.`,
      given: String(settings.calls.dialWithinMs),
      remedy: `Keep DIAL_WITHIN_MS at or below half of LEASE_SECONDS: ${settings.workers.leaseMs / 2} here.`,
    }),
  ];
}

/** Too short, and a call that rings is taken for one that was never placed: the contact would be called twice. */
function reconcileWindow({ settings }: RuleContext): readonly Problem[] {
  const { calls, retell } = settings;
  const least = retell.timeoutMs + calls.ringTimeoutMs + calls.dialWithinMs + RECONCILE_MARGIN_MS;
  if (calls.reconcileWindowMs >= least) return [];
  return [
    complain('RECONCILE_WINDOW_SECONDS', {
      level: severity(settings),
      message: `A call that was placed could still be ringing unseen: request timeout, ring time and a margin are ${seconds(least)}.`,
      given: String(calls.reconcileWindowMs / 1_000),
      remedy: `Set RECONCILE_WINDOW_SECONDS to at least ${Math.ceil(least / 1_000)}.`,
    }),
  ];
}

function ringTime({ settings }: RuleContext): readonly Problem[] {
  if (settings.calls.ringTimeoutMs >= SHORTEST_RING_MS) return [];
  return [
    complain('RING_TIMEOUT_SECONDS', {
      level: severity(settings),
      message: 'Retell refuses a ring time below 5 seconds; only a simulator takes it.',
      given: String(settings.calls.ringTimeoutMs / 1_000),
    }),
  ];
}

function pool({ settings }: RuleContext): readonly Problem[] {
  const { maxPoolSize, minPoolSize } = settings.database;
  const problems: Problem[] = [];
  if (minPoolSize > maxPoolSize) {
    problems.push(
      complain('MONGO_MIN_POOL_SIZE', {
        message: `More connections are to be kept open than may be opened (MONGO_MAX_POOL_SIZE=${maxPoolSize}).`,
        given: String(minPoolSize),
        remedy: `Set MONGO_MIN_POOL_SIZE to at most ${maxPoolSize}.`,
      }),
    );
  }
  if (maxPoolSize < DAEMON_CONNECTIONS) {
    problems.push(
      complain('MONGO_MAX_POOL_SIZE', {
        level: severity(settings),
        message: `The daemon uses up to ${DAEMON_CONNECTIONS} connections at once; lease renewals would wait behind other work.`,
        given: String(maxPoolSize),
        remedy: `Set MONGO_MAX_POOL_SIZE to at least ${DAEMON_CONNECTIONS}.`,
      }),
    );
  }
  return problems;
}

function grace({ settings }: RuleContext): readonly Problem[] {
  const { shutdownGraceMs, stopMode } = settings.workers;
  if (stopMode === 'handover' || shutdownGraceMs + HANDOVER_MS <= SYSTEMD_STOP_MS) return [];
  return [
    complain('SHUTDOWN_GRACE_SECONDS', {
      level: 'warning',
      message:
        'systemd kills a service 90 s after asking it to stop, unless its unit says otherwise (Docker after 10 s, Kubernetes after 30 s).',
      given: String(shutdownGraceMs / 1_000),
      remedy: `Set TimeoutStopSec (or --stop-timeout, terminationGracePeriodSeconds) to ${Math.ceil((shutdownGraceMs + HANDOVER_MS) / 1_000) + 3}, or shorten the grace.`,
    }),
  ];
}

function polling({ settings }: RuleContext): readonly Problem[] {
  const { pollingIntervalMs, pollTimeoutMs } = settings.calls;
  if (pollingIntervalMs <= pollTimeoutMs) return [];
  return [
    complain('CALL_POLLING_INTERVAL', {
      level: 'warning',
      message: `Calls are looked at less often than the time they may go unanswered (POLL_TIMEOUT_SECONDS, ${seconds(pollTimeoutMs)}).`,
      given: String(pollingIntervalMs / 1_000),
      remedy: 'Make CALL_POLLING_INTERVAL the shorter of the two.',
    }),
  ];
}

function unanswered({ settings }: RuleContext): readonly Problem[] {
  const { ringTimeoutMs, pollTimeoutMs } = settings.calls;
  if (pollTimeoutMs >= ringTimeoutMs) return [];
  return [
    complain('POLL_TIMEOUT_SECONDS', {
      level: 'warning',
      message: `Calls would be stopped before their ring time (RING_TIMEOUT_SECONDS, ${seconds(ringTimeoutMs)}) is over.`,
      given: String(pollTimeoutMs / 1_000),
      remedy: `Set POLL_TIMEOUT_SECONDS to at least ${Math.ceil(ringTimeoutMs / 1_000)}.`,
    }),
  ];
}

function idleWorkers({ settings }: RuleContext): readonly Problem[] {
  if (settings.workers.count <= settings.limits.maxConcurrentCalls) return [];
  return [
    complain('WORKER_COUNT', {
      level: 'warning',
      message: `Only ${settings.limits.maxConcurrentCalls} calls may be live at once (MAX_CONCURRENT_CALLS); the other loops would wait.`,
      given: String(settings.workers.count),
      remedy: 'Raise MAX_CONCURRENT_CALLS if Retell allows it, or lower WORKER_COUNT.',
    }),
  ];
}

/** A secondary's answer may be older than the write it is asked about. */
function readPreference({ settings }: RuleContext): readonly Problem[] {
  const option = readMongoUri(settings.database.uri)?.options.find((each) => /^readpreference=(?!primary$)/i.test(each));
  if (option === undefined) return [];
  return [
    complain('MONGO_URI', {
      level: 'warning',
      message: `Rules are always read from the primary; ${option} is ignored.`,
      remedy: `Remove ${option} from the URI.`,
    }),
  ];
}

function logFiles({ settings, written }: RuleContext): readonly Problem[] {
  if (settings.logging.dir !== null || !written('LOG_FILES')) return [];
  return [
    complain('LOG_FILES', {
      level: 'warning',
      message: 'Without LOG_DIR no log files are written.',
      remedy: 'Set LOG_DIR, or remove LOG_FILES.',
    }),
  ];
}

function collections({ settings }: RuleContext): readonly Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [noun, collection] of Object.entries(settings.database.collections)) {
    const name = `MONGO_COLL_${noun.toUpperCase()}`;
    const other = seen.get(collection);
    if (other !== undefined) {
      problems.push(
        complain(name, { message: `${other} and ${name} name the same collection.`, given: collection, remedy: 'Give each its own.' }),
      );
    }
    seen.set(collection, name);
  }
  return problems;
}

function retryDelays({ settings }: RuleContext): readonly Problem[] {
  return policies(settings).flatMap(({ kind, policy }) =>
    policy.delayMs <= policy.maxDelayMs
      ? []
      : [
          complain(`RETRY_${kind}_DELAY_MS`, {
            message: `The first wait is longer than the longest (RETRY_${kind}_MAX_DELAY_MS=${policy.maxDelayMs}).`,
            given: String(policy.delayMs),
            remedy: 'Make the first wait the shorter of the two.',
          }),
        ],
  );
}

function policies({ retries }: Settings): readonly { readonly kind: keyof typeof RETRY_KINDS; readonly policy: RetryPolicy }[] {
  return [
    { kind: 'MONGO_CONNECT', policy: retries.mongoConnect },
    { kind: 'RETELL_READ', policy: retries.retellRead },
    { kind: 'RETELL_LIST', policy: retries.retellList },
    { kind: 'RETELL_STOP', policy: retries.retellStop },
    { kind: 'ALERT_WEBHOOK', policy: retries.alertWebhook },
  ];
}
