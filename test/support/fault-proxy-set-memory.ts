/**
 * What was answered to numbered writes. A driver numbers each write within its session (`lsid`, `txnNumber`) and sends it again under the
 * same number when it got no answer; a set then does not do it a second time but answers as it did the first time.
 */

import type { BSON } from 'mongodb';

/** null: nobody knows, the engine died over it. */
export type Answer = Buffer | null;

export interface Numbered {
  readonly session: string;
  readonly number: bigint;
}

export interface WriteMemory {
  /** The answer to this very write, perhaps still under way; `old`: the session has gone on to a later one; null: it is new. */
  earlier(write: Numbered): Promise<Answer> | 'old' | null;
  /** Takes a new write. What is called with its answer; a write that `failed` as a whole was not done and may be sent anew. */
  take(write: Numbered): (answer: Answer, failed: boolean) => void;
  /** How often an answer was given again. */
  repeated(): number;
}

interface Taken {
  readonly number: bigint;
  readonly answer: Promise<Answer>;
}

export const createWriteMemory = (): WriteMemory => {
  // A session has one write under way at a time: the last one is all that can be asked for again.
  const last = new Map<string, Taken>();
  let repeated = 0;
  return {
    earlier: ({ session, number }) => {
      const taken = last.get(session);
      if (taken === undefined || taken.number < number) return null;
      if (taken.number > number) return 'old';
      repeated += 1;
      return taken.answer;
    },
    take: ({ session, number }) => {
      let settle: (answer: Answer) => void = () => undefined;
      const taken: Taken = { number, answer: new Promise((resolve) => (settle = resolve)) };
      last.set(session, taken);
      return (answer, failed) => {
        if (failed && last.get(session) === taken) last.delete(session);
        settle(answer);
      };
    },
    repeated: () => repeated,
  };
};

/** The number of a command, if it carries one. Reads have a session only. */
export const numberedOf = (command: BSON.Document): Numbered | null => {
  const { lsid, txnNumber } = command;
  if (lsid === undefined || txnNumber === undefined) return null;
  return { session: JSON.stringify(lsid), number: BigInt(String(txnNumber)) };
};
