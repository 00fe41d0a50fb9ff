/** The write concern of the protocol's writes as it crosses the wire: on a standalone `majority` was seen to lose acknowledged writes under kill -9. */

import type { RuleOptions } from '../support/fault-proxy-rules.js';
import type { SeenCommand } from '../support/fault-proxy-wire.js';

const WRITES = new Set(['update', 'insert', 'findAndModify', 'bulkWrite']);
const PROTOCOL = new Set(['jobs', 'call_attempts', 'account_ledgers']);

/** What a write must ask for to be durable there. */
export type Durable = 'w:1, j:true on a standalone' | 'w:majority, j:true on a replica set';

export interface WatchedWrites {
  readonly durable: Durable;
  readonly seen: number;
  readonly weak: readonly string[];
}

interface Watched {
  add(rule: RuleOptions): unknown;
}

export const watchWrites = (ways: readonly Watched[], durable: Durable): (() => WatchedWrites) => {
  const wanted = durable.startsWith('w:1') ? 1 : 'majority';
  let seen = 0;
  const weak = new Map<string, string>();
  const look = (command: SeenCommand): false => {
    if (!WRITES.has(command.name) || !command.collections().some((name) => PROTOCOL.has(name))) return false;
    seen += 1;
    const concern = (command.document()['writeConcern'] ?? {}) as { w?: unknown; j?: unknown };
    if (concern.w !== wanted || concern.j !== true) {
      weak.set(
        `${command.name} ${command.collections().join(',')}`,
        `${command.name} on ${command.collections().join(', ')} with ${JSON.stringify(concern)}`,
      );
    }
    return false;
  };
  // A rule that never matches: it sees every command and disturbs none. Clearing the faults removes it, which is late enough.
  for (const way of ways) way.add({ command: '*', where: look, fault: 'delay', delayMs: 0 });
  return () => ({ durable, seen, weak: [...weak.values()] });
};
