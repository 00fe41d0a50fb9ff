/** Waiting in the foreground until somebody ends the command. */

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
