/** A simulator per test, and the few requests tests make by hand. */
import { onTestFinished } from 'vitest';
import type { SimulatorOptions } from '../../src/simulator/options.js';
import type { SimulatorClock } from '../../src/simulator/clock.js';
import { startSimulator } from '../../src/simulator/server.js';
import type { Simulator } from '../../src/simulator/server.js';

/** Time stands still unless a test asks for speed: it is moved with `advance`. */
export async function simulate(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ seed: 'tests', speed: 0, ...options });
  onTestFinished(() => simulator.close());
  return simulator;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

export async function request(simulator: Simulator, method: string, path: string, body?: unknown, key = 'any'): Promise<Answered> {
  const response = await fetch(simulator.url + path, {
    method,
    headers: { ...(key === '' ? {} : { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export const FROM = '+56225550000';

export const create = (simulator: Simulator, to: string, extra: Record<string, unknown> = {}): Promise<Answered> =>
  request(simulator, 'POST', '/v2/create-phone-call', { from_number: FROM, to_number: to, ...extra });

export async function dial(simulator: Simulator, to: string, extra: Record<string, unknown> = {}): Promise<string> {
  const answered = await create(simulator, to, extra);
  if (answered.status !== 201) throw new Error(`${answered.status} ${answered.text}`);
  return String(answered.body['call_id']);
}

export const read = async (simulator: Simulator, callId: string): Promise<Record<string, unknown>> =>
  (await request(simulator, 'GET', `/v2/get-call/${callId}`)).body;

export const list = (simulator: Simulator, body: Record<string, unknown> = {}): Promise<Answered> =>
  request(simulator, 'POST', '/v3/list-calls', body);

export const ids = (answered: Answered): string[] => (answered.body['items'] as { call_id: string }[]).map((item) => item.call_id);

/** A clock moved by hand, for what happens in real time: limits, latency, index lag. */
export interface HandClock extends SimulatorClock {
  pass(ms: number): void;
}

export function handClock(): HandClock {
  let nowMs = 1_800_000_000_000;
  let timers: { atMs: number; run: () => void }[] = [];
  return {
    wallMs: () => nowMs,
    monoMs: () => nowMs,
    after: (ms, run) => {
      const timer = { atMs: nowMs + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    pass: (ms) => {
      const untilMs = nowMs + ms;
      for (;;) {
        const next = timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers = timers.filter((timer) => timer !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
      }
      nowMs = untilMs;
    },
  };
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
