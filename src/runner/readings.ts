/**
 * How live calls are read: one list request per thousand of them and interval, single reads for a handful and for what a list leaves out.
 * Where one of the two ways is closed, the other has to do.
 */
import type { CallReading } from '../domain/call.js';
import type { Call } from './call.js';
import type { Context } from './context.js';

export interface Readings {
  /** Reads each of them once, but for those that are still being read. */
  look(calls: readonly Call[]): Promise<void>;
}

export interface Meaning {
  read(call: Call, reading: CallReading): Promise<void>;
  /** The provider says that it does not know the call. */
  absent(call: Call): Promise<void>;
}

/** Up to so many calls are read singly: a single reading has the transcript and the analysis, a list item has not. */
const HANDFUL = 4;
/** So many are read one by one each time where no list is to be had: more would wait in line, and not be looked at when it is back. */
const SINGLY = 40;

export function createReadings(cx: Context, meaning: Meaning): Readings {
  const busy = new Set<Call>();
  let turn = 0;
  let listFault: string | null = null;

  async function look(all: readonly Call[]): Promise<void> {
    const calls = all.filter((call) => !busy.has(call));
    if (calls.length === 0) return;
    if (calls.length > HANDFUL) return listed(calls, readOne);
    const unread: Call[] = [];
    await Promise.all(calls.map(async (call) => ((await readOne(call)) ? null : unread.push(call))));
    if (unread.length > 0) await listed(unread, () => Promise.resolve(false));
  }

  /** One question for all of them. Where it is not answered they are read one by one, some each time: the next ones the next time. */
  async function listed(calls: readonly Call[], readAlone: (call: Call) => Promise<boolean>): Promise<void> {
    const reply = await cx.retell.listByIds(
      calls.flatMap((call) => call.callId ?? []),
      cx.abandon,
    );
    // Cut off by our own stop: that says nothing about the provider.
    if (cx.abandon.aborted) return;
    if (reply.kind === 'account') cx.breaker.trip(reply.message);
    noteList(reply.kind === 'calls' ? null : reply.message);
    if (reply.kind !== 'calls') {
      await Promise.all(inTurn(calls).map(readAlone));
      return;
    }
    const found = new Map(reply.calls.map((reading) => [reading.callId, reading]));
    await Promise.all(
      calls.map(async (call) => {
        const reading = found.get(call.callId ?? '');
        // A list leaves out what rings, and carries no transcript of what is over: both are read singly.
        if (reading?.live === true) await guarded(call, () => meaning.read(call, reading));
        else if (!(await readAlone(call)) && reading !== undefined) await guarded(call, () => endAsListed(call, reading));
      }),
    );
  }

  function inTurn(calls: readonly Call[]): Call[] {
    const from = turn % calls.length;
    turn = from + SINGLY;
    return [...calls.slice(from), ...calls.slice(0, from)].slice(0, SINGLY);
  }

  function noteList(message: string | null): void {
    if ((message === null) === (listFault === null)) return;
    if (message === null) cx.log.info('the list of calls can be read again');
    else
      cx.log.warn("the provider's list of calls cannot be read; live calls are read one by one, and unknown ones wait for it", {
        error: message,
      });
    listFault = message;
  }

  /** False: the provider gave no answer about it. */
  async function readOne(call: Call): Promise<boolean> {
    let answered = true;
    await guarded(call, async () => {
      const reply = await cx.retell.read(call.callId ?? '', cx.abandon);
      if (reply.kind === 'call') await meaning.read(call, reply.call);
      // Refused is this call alone, or the whole account: the list tells. One call must not stop all dialling each time it is looked at.
      else if (reply.kind === 'absent' || reply.kind === 'account') await meaning.absent(call);
      answered = reply.kind === 'call' || reply.kind === 'absent';
    });
    return answered;
  }

  /** Over, as the list says, and not to be read by itself: settled without its transcript once it was waited for long enough. */
  async function endAsListed(call: Call, reading: CallReading): Promise<void> {
    call.overSince ??= cx.clock.mark();
    if (cx.clock.elapsedMs(call.overSince) >= cx.timing.analysisWaitMs) await meaning.read(call, reading);
  }

  /** One step at a time per call: a settlement that waits for the database must not be started twice. */
  async function guarded(call: Call, step: () => Promise<void>): Promise<void> {
    if (busy.has(call) || call.lost) return;
    busy.add(call);
    try {
      await step();
    } finally {
      busy.delete(call);
    }
  }

  return { look };
}
