/** Wakes the desk when the database says that something became due; a lost stream is opened again later, and polling goes on meanwhile. */
import { messageOf } from '../domain/errors.js';
import { watchWork } from '../store/watch.js';
import type { Context } from './context.js';

/** Hints come in bursts (an import of a thousand jobs): one look per burst, at another moment in each process. */
const DEBOUNCE_MS = 50;
const REOPEN_MS = 5_000;

type Needs = Pick<Context, 'clock' | 'random' | 'log' | 'noMoreClaims'> & { readonly store: Pick<Context['store'], 'connection'> };

export async function wakeOnChanges(cx: Needs, nudge: () => void): Promise<void> {
  while (!cx.noMoreClaims.aborted) {
    const lost = new AbortController();
    let pending = false;
    const hint = (): void => {
      if (pending) return;
      pending = true;
      void cx.clock.sleep(DEBOUNCE_MS * cx.random(), cx.noMoreClaims).then(() => {
        pending = false;
        nudge();
      });
    };
    const watch = watchWork(cx.store.connection, hint, (error) => {
      cx.log.debug('the change stream was lost; polling goes on', { error: messageOf(error) });
      lost.abort();
    });
    if (watch === null) return;
    await cx.clock.sleep(2 ** 31 - 1, lost.signal, cx.noMoreClaims);
    await watch.close();
    await cx.clock.sleep(REOPEN_MS * (0.5 + cx.random()), cx.noMoreClaims);
  }
}
