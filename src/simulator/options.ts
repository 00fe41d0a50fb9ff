/** What startSimulator is given, and what it takes where nothing is said. */
import type { Log } from '../domain/ports.js';
import type { SimulatorClock } from './clock.js';
import type { FaultSpec } from './faults.js';
import type { Script } from './script.js';
import type { Switches } from './switches.js';

export interface SimulatorOptions {
  /** 0 (default): any free port. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly seed?: string | number | undefined;
  /** Simulated seconds per real second; 0: time stands still until advanced. */
  readonly speed?: number | undefined;
  /** null (default): no limit. */
  readonly concurrency?: number | null | undefined;
  /** Call starts per real second; null (default): no limit. */
  readonly cps?: number | null | undefined;
  /** null (default): any key, but one there must be. */
  readonly key?: string | null | undefined;
  readonly agents?: readonly string[] | null | undefined;
  /** Numbers that may call. */
  readonly numbers?: readonly string[] | null | undefined;
  readonly script?: Script | null | undefined;
  /** Appended to, one JSON line per event. */
  readonly ledgerFile?: string | null | undefined;
  readonly latencyMs?: number | readonly [number, number] | undefined;
  /** Calls end as soon as they are created, for benchmarks. */
  readonly instant?: boolean | undefined;
  readonly switches?: Partial<Switches> | undefined;
  readonly faults?: readonly FaultSpec[] | undefined;
  readonly log?: Log | undefined;
  /** Hears in one sentence what a person should know while it serves. */
  readonly onTrouble?: ((why: string) => void) | undefined;
  readonly clock?: SimulatorClock | undefined;
}
