import { choice, duration, integer, list, matching } from '../parser.js';
import type { Section } from '../setting.js';

export const workers: Section<'workers'> = {
  'workers.count': {
    name: 'WORKER_COUNT',
    parser: integer({ min: 1, max: 10_000 }),
    default: '6',
    describe: 'Worker loops in this process: how many calls it handles at the same time.',
    example: '6',
  },
  'workers.leaseMs': {
    name: 'LEASE_SECONDS',
    parser: duration('seconds', { min: 2, max: 86_400 }),
    default: '120',
    unit: 'seconds',
    describe:
      'A daemon that is silent for this long is considered dead, and others take over its work. Leases are renewed every third of this time.',
    example: '120',
  },
  'workers.claimPollMs': {
    name: 'CLAIM_POLL_SECONDS',
    parser: duration('seconds', { min: 0.01, max: 3_600 }),
    default: '1',
    unit: 'seconds',
    describe: 'How often an idle process looks for due work when the database does not notify it.',
    example: '1',
  },
  'workers.batchRefreshMs': {
    name: 'BATCH_REFRESH_SECONDS',
    parser: duration('seconds', { min: 0.01, max: 3_600 }),
    default: '2',
    unit: 'seconds',
    describe: 'How often batches and accounts are read again. Each call also reads its own again just before it is placed.',
    example: '2',
  },
  'workers.shutdownGraceMs': {
    name: 'SHUTDOWN_GRACE_SECONDS',
    parser: duration('seconds', { min: 0, max: 86_400 }),
    default: '30',
    unit: 'seconds',
    describe:
      "How long a stop waits for live calls to end; after that they are handed over within 2 s. The service manager's limit must be longer.",
    example: '30',
  },
  'workers.stopMode': {
    name: 'STOP_MODE',
    parser: choice(['drain', 'handover']),
    default: 'drain',
    describe: '`drain` waits for live calls during SHUTDOWN_GRACE_SECONDS; `handover` leaves them to the next process immediately.',
    example: 'drain',
  },
  'workers.queues': {
    name: 'WORKER_QUEUES',
    parser: list(matching('a queue name of letters, digits, ".", "-" and "_"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)),
    default: '',
    describe: 'Queues this process serves. Empty means all.',
    example: 'calls,retries',
  },
};
