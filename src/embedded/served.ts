/** A database that the engine's process serves, whichever it is. */

export interface Served {
  readonly uri: string;
  close(): Promise<void>;
  /** Ends it at once, when closing takes too long: its journal has what was acknowledged. */
  kill(): void;
  /** Calls back when the database is gone without having been closed. */
  onDeath(listener: () => void): void;
}

/** Another process has this directory open. */
export class DirectoryInUse extends Error {
  override readonly name = 'DirectoryInUse';
}
