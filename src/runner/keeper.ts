/**
 * The lease keeper: one renewal for all attempts and one for all jobs of the process, at a third of the lease, on connections of its own.
 * What it could not renew in time is no longer trusted; what another process took is let go.
 */
import { messageOf } from '../domain/errors.js';
import type { Mark } from '../domain/ports.js';
import { idsOf, type Call } from './call.js';
import type { Context } from './context.js';
import type { Registry } from './registry.js';

export interface Keeper {
  run(): Promise<void>;
  /** Elapsed since the last renewal that arrived was sent. */
  sinceTrustedMs(): number;
}

export function createKeeper(cx: Context, registry: Registry, letGo: (call: Call) => void): Keeper {
  let trusted: Mark = cx.clock.mark();

  async function renew(): Promise<void> {
    const held = registry.all().filter((call) => withinStage(call));
    const before = cx.clock.mark();
    if (held.length > 0) {
      const ids = held.map((call) => call.facts._id);
      const jobs = held.filter((call) => call.facts.stray !== true);
      const [renewed] = await Promise.all([
        cx.store.attempts.renew(ids, cx.me, cx.timing.leaseMs),
        jobs.length === 0
          ? 0
          : cx.store.jobs.renew(
              jobs.map((call) => call.facts.job),
              jobs.map((call) => call.facts._id),
              cx.timing.leaseMs,
            ),
      ]);
      if (renewed < ids.length) await findLost(held);
    }
    trusted = before;
  }

  /** Fewer leases than calls: which of them are somebody else's now? Those just settled are not lost, they are gone from the registry. */
  async function findLost(held: readonly Call[]): Promise<void> {
    const mine = await cx.store.attempts.stillMine(
      held.map((call) => call.facts._id),
      cx.me,
    );
    for (const call of held) {
      const known = registry.get(call.facts._id);
      if (mine.has(call.facts._id) || known === undefined || call.stage.name === 'placing' || call.stage.name === 'settling') continue;
      cx.log.warn('another process follows this call now', idsOf(call));
      call.lost = true;
      letGo(call);
    }
  }

  function withinStage(call: Call): boolean {
    if (cx.clock.elapsedMs(call.stage.since) <= call.stage.limitMs) return true;
    cx.log.error(
      `the call has been in the stage "${call.stage.name}" for too long; its lease will expire so that another process can take over`,
      idsOf(call),
    );
    return false;
  }

  return {
    sinceTrustedMs: () => cx.clock.elapsedMs(trusted),
    run: async () => {
      while (!cx.abandon.aborted) {
        await cx.clock.sleep(cx.timing.leaseMs / 3, cx.abandon);
        if (cx.abandon.aborted) return;
        try {
          await renew();
        } catch (error) {
          cx.log.warn('leases could not be renewed', { error: messageOf(error), held: registry.size() });
        }
      }
    },
  };
}
