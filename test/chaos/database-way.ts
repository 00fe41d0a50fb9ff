/** How one daemon of a chaos run reaches the database: through a fault proxy, or through a set of two that hold elections. */

import { startFaultProxy } from '../support/fault-proxy.js';
import { startFaultProxySet } from '../support/fault-proxy-set.js';
import type { Election, FaultProxySet } from '../support/fault-proxy-set.js';
import type { RuleOptions } from '../support/fault-proxy-rules.js';

export interface DatabaseWay {
  readonly uri: string;
  /** Answers with how often it has hit so far. */
  add(rule: RuleOptions): () => number;
  clear(): void;
  stopListening(): Promise<void>;
  startListening(): Promise<void>;
  resetAll(): void;
  /** false: one was under way, or there is nobody to elect. */
  elect(election: Election): Promise<boolean>;
  /** Answers of the set that a driver had lost and was given again. */
  repeatedAnswers(): number;
  close(): Promise<void>;
}

/** A driver marks a server that says one of these and asks it for nothing until it hears of a change. */
const STATE_CHANGES: ReadonlySet<number> = new Set([10107, 189, 91]);
const ANNOUNCE_AFTER_MS = 50;

export const openDatabaseWay = async (engineUri: string, asSet: boolean): Promise<DatabaseWay> => {
  if (!asSet) {
    const proxy = await startFaultProxy(engineUri);
    return { ...proxy, add: (rule) => proxy.add(rule).hits, elect: () => Promise.resolve(false), repeatedAnswers: () => 0 };
  }
  const set = await startFaultProxySet(engineUri);
  return {
    ...set,
    add: (rule) => {
      const rules = set.add(
        rule.fault === 'error' && STATE_CHANGES.has(rule.code) ? { ...rule, where: announcing(set, rule.times ?? 1) } : rule,
      );
      return () => rules.reduce((sum, one) => sum + one.hits(), 0);
    },
  };
};

/** Announces after each hit of a rule; each member has the rule, and each match after its hits is none of ours. */
const announcing = (set: FaultProxySet, times: number): (() => true) => {
  let left = times * set.members.length;
  return () => {
    if (left > 0) setTimeout(set.announce, ANNOUNCE_AFTER_MS);
    left -= 1;
    return true;
  };
};
