/** A local Retell: the provider's paths, its calls and its faults, on one port. Never loaded by `run`. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { audit } from './audit.js';
import { createCalls } from './calls.js';
import { systemClock } from './clock.js';
import { answerControl, describeCalls } from './control.js';
import type { Controls } from './control.js';
import { dice } from './dice.js';
import { createExchange } from './exchange.js';
import type { KeptRequest } from './exchange.js';
import { createFaults, cutsPort } from './faults.js';
import { figuresOf } from './figures.js';
import type { Tally } from './figures.js';
import { openLedger } from './ledger.js';
import type { LedgerEntry } from './ledger.js';
import { methodOf, readBody, targetOf } from './incoming.js';
import { createLimits } from './limits.js';
import { listen } from './listener.js';
import type { SimulatorOptions } from './options.js';
import { send } from './replies.js';
import { createRoutes } from './routes.js';
import { switchesSchema } from './switches.js';
import { createTimeline } from './timeline.js';

export interface Simulator extends Controls {
  readonly url: string;
  readonly port: number;
  readonly seed: string;
  /** Hears each ledger entry as it is written; the answer ends that. */
  onEntry(listener: (entry: LedgerEntry) => void): () => void;
  close(): Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const clock = options.clock ?? systemClock();
  const seed = String(options.seed ?? randomBytes(4).toString('hex'));
  const log = options.log?.child('simulator');
  const host = options.host ?? '127.0.0.1';
  let switches = switchesSchema.parse({
    concurrency: options.concurrency ?? null,
    cps: options.cps ?? null,
    latencyMs: options.latencyMs ?? 0,
    instant: options.instant ?? false,
    ...options.switches,
  });
  const timeline = createTimeline(clock, options.speed ?? 1);
  const ledger = openLedger(options.ledgerFile ?? null, clock.wallMs);
  const calls = createCalls({ seed, runId: () => randomBytes(8).toString('hex'), script: options.script ?? null, clock, timeline, ledger });
  const limits = createLimits(() => switches, clock);
  const faults = createFaults(seed, clock);
  const requests: Tally = new Map();
  const replies: Tally = new Map();
  let kept: KeptRequest[] = [];

  const routes = createRoutes({
    calls,
    limits,
    ledger,
    clock,
    seed,
    workspace: { numbers: options.numbers ?? null, agents: options.agents ?? null },
    switches: () => switches,
  });
  const exchange = createExchange({
    routes,
    faults,
    limits,
    ledger,
    clock,
    random: dice('latency', seed),
    key: options.key ?? null,
    switches: () => switches,
    requests,
    replies,
    keep: (request) => {
      kept.push(request);
      if (kept.length > switches.keepRequests) kept = kept.slice(-switches.keepRequests);
    },
  });

  const server = createServer((request, response) => {
    // A client that hangs up is no news here.
    response.on('error', () => undefined);
    readBody(request)
      .then(
        (body) => {
          const url = targetOf(request);
          if (url === null) {
            send(response, routes.fail(400, 'the address is none'));
          } else if (body === null) {
            send(response, routes.fail(413, 'request entity too large'));
          } else if (url.pathname === '/_sim' || url.pathname.startsWith('/_sim/')) {
            send(response, answerControl(controls, methodOf(request), url, body));
          } else {
            exchange(request, response, url, body);
          }
        },
        (thrown: unknown) => {
          log?.debug('a request could not be read', { error: String(thrown) });
          response.socket?.destroy();
        },
      )
      .catch((thrown: unknown) => {
        log?.error('a request failed inside the simulator', { error: String(thrown) });
        if (!response.headersSent) send(response, { status: 500, body: { error: `simulator: ${String(thrown)}` } });
      });
  });
  // Longer than any client keeps an idle connection, so that it is never the server that closes first and fails a request.
  server.keepAliveTimeout = 120_000;

  const listener = await listen(server, host, options.port ?? 0, (why) => {
    log?.warn(why);
    options.onTrouble?.(why);
  }).catch((thrown: unknown) => {
    ledger.close();
    throw thrown;
  });

  const limitsNow = (): { concurrency: number | null; callsPerSecond: number | null } => ({
    concurrency: switches.concurrency,
    callsPerSecond: switches.cps,
  });

  function settlePort(): void {
    if (faults.list().some(cutsPort)) listener.down();
    else listener.up();
  }

  const controls: Controls = {
    addFault: (spec) => {
      const fault = faults.add(spec);
      if (cutsPort(fault)) {
        listener.down();
        if (fault.forMs !== null) {
          clock.after(fault.forMs, () => {
            faults.remove(fault.id);
            settlePort();
          });
        }
      }
      return fault;
    },
    removeFault: (id) => {
      const removed = faults.remove(id);
      settlePort();
      return removed;
    },
    clearFaults: () => {
      faults.clear();
      settlePort();
    },
    faults: () => faults.list(),
    ledger: () => ledger.entries(),
    figures: () => figuresOf({ calls, limits, entries: ledger.entries(), requests, replies }),
    check: (tighter) => audit(ledger.entries(), tighter),
    reset: () => {
      calls.clear();
      timeline.clear();
      limits.clear();
      faults.clear();
      settlePort();
      requests.clear();
      replies.clear();
      kept = [];
      ledger.clear();
      ledger.append({ event: 'reset', limits: limitsNow() });
    },
    liveCalls: () => describeCalls(calls.live(), seed),
    switches: () => switches,
    change: (change) => {
      switches = switchesSchema.parse({ ...switches, ...change });
      ledger.append({ event: 'limits', limits: limitsNow() });
      return switches;
    },
    clock: () => ({ speed: timeline.speed(), simulatedMs: Math.round(timeline.nowMs()), pendingEvents: timeline.pending() }),
    setSpeed: (speed) => timeline.setSpeed(speed),
    advance: (ms) => timeline.advance(ms),
    requests: () => kept,
  };

  for (const fault of options.faults ?? []) controls.addFault(fault);
  ledger.append({ event: 'start', seed, speed: timeline.speed(), limits: limitsNow() });
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
  log?.info('the simulator listens', { url, seed, speed: timeline.speed() });

  return {
    ...controls,
    url,
    port: listener.port,
    seed,
    onEntry: (hear) => ledger.subscribe(hear),
    close: async () => {
      timeline.close();
      await listener.close();
      ledger.close();
    },
  };
}
