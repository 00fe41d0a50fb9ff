/** What the parts of the runner may ask of each other; the daemon puts them together. */
import type { CallReading } from '../domain/call.js';
import type { Board } from './board.js';
import type { AttemptFacts, Call } from './call.js';
import type { Confirm } from './confirm.js';
import type { Crowd } from './crowd.js';
import type { Refusals } from './refusals.js';
import type { Registry } from './registry.js';
import type { Releases } from './releases.js';
import type { Sends } from './sends.js';
import type { Settler } from './settle.js';
import type { Slots } from './slots.js';

export interface Parts {
  readonly board: Board;
  readonly slots: Slots;
  readonly registry: Registry;
  readonly releases: Releases;
  readonly refusals: Refusals;
  readonly settler: Settler;
  readonly confirm: Confirm;
  readonly sends: Sends;
  readonly crowd: Crowd;
  /** Step 7: writes the call's id until it is acknowledged, then follows it. */
  placed(call: Call, callId: string): Promise<void>;
  /** Looks for the call until it is found or surely was never placed. */
  reconcile(call: Call): void;
  /** A call that belongs to no open attempt is stopped, recorded and charged. */
  stray(of: { facts: AttemptFacts }, callId: string, reading: CallReading | null): Promise<void>;
  /** The end of an annulled attempt: its lease is let go. */
  finishAnnulled(attempt: string): Promise<void>;
}
