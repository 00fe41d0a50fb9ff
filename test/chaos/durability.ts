/** The write concern of the protocol's writes as it crosses the wire: on a standalone `majority` was seen to lose acknowledged writes under kill -9. */

import type { FaultProxy } from '../support/fault-proxy.js';
import type { SeenCommand } from '../support/fault-proxy-wire.js';

const WRITES = new Set(['update', 'insert', 'findAndModify', 'bulkWrite']);
const PROTOCOL = new Set(['jobs', 'call_attempts', 'account_ledgers']);

export const watchWrites = (proxies: readonly FaultProxy[]): (() => { seen: number; weak: string[] }) => {
  let seen = 0;
  const weak = new Map<string, string>();
  const look = (command: SeenCommand): false => {
    if (!WRITES.has(command.name) || !command.collections().some((name) => PROTOCOL.has(name))) return false;
    seen += 1;
    const concern = (command.document()['writeConcern'] ?? {}) as { w?: unknown; j?: unknown };
    if (concern.w !== 1 || concern.j !== true) {
      weak.set(
        `${command.name} ${command.collections().join(',')}`,
        `${command.name} on ${command.collections().join(', ')} with ${JSON.stringify(concern)}`,
      );
    }
    return false;
  };
  // A rule that never matches: it sees every command and disturbs none. Clearing the faults removes it, which is late enough.
  for (const proxy of proxies) proxy.add({ command: '*', where: look, fault: 'delay', delayMs: 0 });
  return () => ({ seen, weak: [...weak.values()] });
};
