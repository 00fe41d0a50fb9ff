/** Chance that depends on the seed and on what is asked about, never on who asked first: a run's outcomes do not change with scheduling. */
import { createHash } from 'node:crypto';
import type { Random } from '../domain/ports.js';

/** 40 hex digits that are the same for the same parts, and unrelated for others. */
export function digest(...parts: readonly (string | number)[]): string {
  return createHash('sha1').update(parts.join('\u0000')).digest('hex');
}

/** A stream of numbers in [0, 1) of its own for these parts. */
export function dice(...parts: readonly (string | number)[]): Random {
  let state = Number.parseInt(digest(...parts).slice(0, 8), 16);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / 4294967296;
  };
}

export function between(random: Random, low: number, high: number): number {
  return Math.floor(low + random() * (high - low));
}

export function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}
