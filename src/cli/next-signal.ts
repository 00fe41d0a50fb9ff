/** Somebody ends the command: waiting for that, and saying what it leaves behind. */
import { EXIT } from '../domain/errors.js';
import { say } from './output.js';

/** A pending promise holds no process, so a timer does until the signal comes. */
export const nextSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    const holding = setInterval(() => undefined, 60_000);
    const end = (signal: NodeJS.Signals): void => {
      clearInterval(holding);
      resolve(signal);
    };
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    process.once('SIGHUP', end);
  });

/** Ends at a signal at once, and says what that leaves. */
export async function untilSignal<T>(told: () => string, work: () => Promise<T>): Promise<T> {
  const end = (signal: NodeJS.Signals): void => {
    say(told());
    process.exit(signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted);
  };
  process.prependOnceListener('SIGINT', end);
  process.prependOnceListener('SIGTERM', end);
  try {
    return await work();
  } finally {
    process.removeListener('SIGINT', end);
    process.removeListener('SIGTERM', end);
  }
}
