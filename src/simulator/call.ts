/** One simulated call. Only calls.ts changes it. */
import type { PlannedOutcome } from './outcomes.js';

export interface PlaceRequest {
  readonly to: string;
  readonly from: string;
  readonly agentId: string;
  readonly agentVersion: number;
  /** As sent; undefined where none was. */
  readonly metadata: unknown;
  readonly variables: Readonly<Record<string, string>> | null;
  readonly sipHeaders: Readonly<Record<string, string>> | null;
  readonly ringLimitMs: number;
  readonly maxDurationMs: number;
}

export interface SimulatedCall {
  readonly id: string;
  readonly request: PlaceRequest;
  /** `metadata.attempt_id` where it is a string. */
  readonly attemptId: string | null;
  /** The n-th dial of this number, from 1. */
  readonly dial: number;
  readonly outcome: PlannedOutcome;
  /** Real wall clock. */
  readonly createdAtMs: number;
  status: string;
  live: boolean;
  /** Real wall clock; null: never connected. */
  startedAtMs: number | null;
  /** On the simulated line. */
  answeredAtMs: number | null;
  endedAtMs: number | null;
  reason: string | null;
  /** Simulated: what the talk would have lasted at speed 1. */
  durationMs: number;
  costCents: number | null;
  analysed: boolean;
}

export function attemptIdOf(metadata: unknown): string | null {
  if (typeof metadata !== 'object' || metadata === null || !('attempt_id' in metadata)) return null;
  return typeof metadata.attempt_id === 'string' ? metadata.attempt_id : null;
}
