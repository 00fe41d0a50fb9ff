import { choice, duration, integer, list, matching } from '../parser.js';
import type { Section } from '../setting.js';

export const workers: Section<'workers'> = {
  'workers.count': {
    name: 'WORKER_COUNT',
    parser: integer({ min: 1, max: 10_000 }),
    default: '6',
    describe: 'Worker loops of this process: how many calls it drives at once.',
    example: '6',
  },
  'workers.leaseMs': {
    name: 'LEASE_SECONDS',
    parser: duration('seconds', { min: 2, max: 86_400 }),
    default: '120',
    unit: 'seconds',
    describe: 'A daemon that is silent for this long is taken for dead and its work goes on elsewhere; renewed at a third of it.',
    example: '120',
  },
  'workers.claimPollMs': {
    name: 'CLAIM_POLL_SECONDS',
    parser: duration('seconds', { min: 0.01, max: 3_600 }),
    default: '1',
    unit: 'seconds',
    describe: 'How often an idle process asks for due work where the database does not notify.',
    example: '1',
  },
  'workers.batchRefreshMs': {
    name: 'BATCH_REFRESH_SECONDS',
    parser: duration('seconds', { min: 0.01, max: 3_600 }),
    default: '2',
    unit: 'seconds',
    describe: 'How often batches and accounts are read again; every call reads its own again just before it is placed.',
    example: '2',
  },
  'workers.shutdownGraceMs': {
    name: 'SHUTDOWN_GRACE_SECONDS',
    parser: duration('seconds', { min: 0, max: 86_400 }),
    default: '30',
    unit: 'seconds',
    describe: "Time a stop gives live calls to end; then they are handed over within 2 s. Keep the service manager's limit above it.",
    example: '30',
  },
  'workers.stopMode': {
    name: 'STOP_MODE',
    parser: choice(['drain', 'handover']),
    default: 'drain',
    describe: '`drain` waits for live calls while the grace lasts; `handover` leaves them to the next process at once.',
    example: 'drain',
  },
  'workers.queues': {
    name: 'WORKER_QUEUES',
    parser: list(matching('a queue name of letters, digits, ".", "-" and "_"', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)),
    default: '',
    describe: 'Queues this process serves; nothing written means all.',
    example: 'calls,retries',
  },
};
