/// <reference types="node" />
/**
 * Loaded into a daemon before its own code (`node --import`): how late its event loop is, and its memory, told over the channel to the
 * bench that started it. Plain JavaScript, so that nothing has to be compiled inside the process that is measured.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

/** The histogram holds the time from one tick of its timer to the next: what is above the interval is the delay. */
const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);

const figures = () => ({
  delayP50Ms: late(delay.percentile(50)),
  delayP99Ms: late(delay.percentile(99)),
  delayMaxMs: late(delay.max),
  residentMb: process.memoryUsage.rss() / 2 ** 20,
  peakMb: process.resourceUsage().maxRSS / 1024,
});

process.on('message', (asked) => {
  if (asked === 'reset') delay.reset();
  else process.send?.(figures());
});
// A command that comes to its end by itself must not be kept alive by being watched, and its peak is known at its end only.
process.channel?.unref();
process.once('exit', () => process.send?.(figures()));
