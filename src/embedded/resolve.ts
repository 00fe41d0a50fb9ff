/** What MONGO_URI says, as an address the driver takes. */

import { openEmbedded } from './open.js';
import type { Embedded, EmbeddedOptions } from './open.js';

const EMBEDDED = /^embedded(?::(.+))?$/;

export interface MongoAddress {
  readonly uri: string;
  /** What serves it, in words; null where the URI names a server. */
  readonly provider: string | null;
  close(): Promise<void>;
}

/** The folder that an `embedded` URI names: null is the user's default one, undefined means that the URI is a server's. */
export const embeddedDirectory = (mongoUri: string): string | null | undefined => {
  const match = EMBEDDED.exec(mongoUri);
  return match === null ? undefined : (match[1] ?? null);
};

/** Starts or finds the embedded database where the URI asks for one; a server's URI is handed back as it is. */
export const resolveMongoUri = async (mongoUri: string, options: EmbeddedOptions = {}): Promise<MongoAddress | Embedded> => {
  const directory = embeddedDirectory(mongoUri);
  if (directory === undefined) return { uri: mongoUri, provider: null, close: () => Promise.resolve() };
  return openEmbedded(directory, options);
};
