/** What the engine's process and the processes that use it say to each other. */

import { z } from 'zod';

/** Given to the engine's process as its only argument. */
export const engineOrderSchema = z.object({
  kind: z.enum(['engine', 'mongod']),
  provider: z.string(),
  directory: z.string(),
  /** For `engine`: the module to load. For `mongod`: the program to run, or null to let mongodb-memory-server find or fetch one. */
  target: z.string().nullable(),
});
export type EngineOrder = z.infer<typeof engineOrderSchema>;

/** The first line an owner reads from its connection, and the first line the starter reads from the engine's report pipe. */
export const greetingSchema = z.object({ uri: z.string(), provider: z.string(), pid: z.number() });
export type Greeting = z.infer<typeof greetingSchema>;

/** How the engine's process ends when it could not serve. */
export const CHILD_EXIT = {
  /** Another engine has the directory: connect to that one. */
  busy: 90,
  /** It could not start; the report says why. */
  failed: 91,
} as const;

/** An owner that leaves by itself says so, and then waits until the engine let go of it. */
export const LEAVE = 'leave\n';

/** How long the engine waits for its first owner, and for another one after the last was cut off without a word. */
export const FIRST_OWNER_MS = 1_500;
export const ORPHANED_MS = 300;
/** A clean close writes a checkpoint; past this the journal has to do, so that the engine is gone within two seconds of its last owner. */
export const CLOSE_MS = 1_000;
