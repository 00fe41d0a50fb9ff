/** How bad the simulator is, beside single faults: everything here may be changed while it runs. */
import { z } from 'zod';

const latencyRange = z
  .tuple([z.number().nonnegative(), z.number().nonnegative()])
  .refine(([low, high]) => low <= high, { error: 'a range goes from the lower number to the higher one' });

const limit = z.number().int().positive().nullable();

export const switchesSchema = z.strictObject({
  /** Calls live at once; null: no limit. */
  concurrency: limit.default(null),
  /** Call starts per real second; null: no limit. */
  cps: limit.default(null),
  /** A call over the limit: refused with 429, accepted and failed with concurrency_limit_reached, or let through for the audit to see. */
  overConcurrency: z.enum(['429', 'error', 'observe']).default('429'),
  overCps: z.enum(['429', 'observe']).default('429'),
  /** Requests per 10 real seconds; null: no limit. */
  createsPer10s: limit.default(null),
  listsPer10s: limit.default(null),
  readsPer10s: limit.default(null),
  /** Sent with every 429, of these limits and of faults that name no time of their own; null: no header. */
  retryAfterSeconds: z.number().int().nonnegative().nullable().default(null),
  /** Real milliseconds until a call shows in lists. */
  indexLagMs: z.number().nonnegative().default(0),
  /** Ringing calls are left out of lists. */
  hideRegistered: z.boolean().default(false),
  /** Answer to an unknown call_id: 422 by the provider's documents, 404 as was seen. */
  unknownCall: z.union([z.literal(404), z.literal(422)]).default(422),
  /** What a stop does to a call that still rings. */
  stopRinging: z.enum(['ends', 'refused']).default('ends'),
  /** `mixed`: 400 as `{error_message}`, all else as `{status, message}`. */
  errorShape: z.enum(['mixed', 'message', 'error_message']).default('mixed'),
  /** Real milliseconds before every reply, or a range of them. */
  latencyMs: z.union([z.number().nonnegative(), latencyRange]).default(0),
  /** Calls end as soon as they are created. */
  instant: z.boolean().default(false),
  /** How many of the latest requests to keep with headers and body, for tests of a client. */
  keepRequests: z.number().int().nonnegative().default(0),
});

export type Switches = z.infer<typeof switchesSchema>;

/** A change names only what it changes; defaults must not creep in for the rest. */
export const switchesChangeSchema = z.strictObject(
  Object.fromEntries(Object.entries(switchesSchema.shape).map(([key, field]) => [key, field.unwrap().optional()])),
) as unknown as z.ZodType<Partial<Switches>>;
