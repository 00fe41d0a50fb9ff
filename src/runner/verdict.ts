/** Why an attempt came to nothing before its call was placed. */
import type { Stop, Wait } from '../domain/decision.js';
import type { PlaceReply } from '../retell/client.js';

export type Refused = Extract<PlaceReply, { kind: 'refused' }>;

export type Verdict =
  | Wait
  | Stop
  /** The job is somebody else's, or nobody's. */
  | { readonly kind: 'gone' }
  /** Nothing is wrong with it: it keeps its place. */
  | { readonly kind: 'again'; readonly reason: string; readonly phoneIndex?: number }
  | { readonly kind: 'refused'; readonly reply: Refused };

export function reasonOf(verdict: Verdict): string {
  if (verdict.kind === 'again') return verdict.reason;
  if (verdict.kind === 'refused') return verdict.reply.message;
  if (verdict.kind === 'gone') return 'the job is no longer ours';
  return `${verdict.kind}: ${verdict.reasons.map((reason) => reason.code).join(', ')}`;
}
