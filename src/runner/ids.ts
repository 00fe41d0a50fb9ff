/** Names made here. An attempt's id is minted before its job is claimed and is the lease token, the hold's key and the call's metadata. */
import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** Sorted by time, so that new attempts lie together in the index; no dot and no dollar, since it is a field's name in the ledger. */
export function newToken(now: Date): string {
  return now.getTime().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
}

/** When a token was minted; null: an id of another kind. */
export function mintedAt(token: string): Date | null {
  return /^[0-9a-f]{32}$/.test(token) ? new Date(Number.parseInt(token.slice(0, 12), 16)) : null;
}

/** Unique per boot: process ids come back, and a restarted process must not take its predecessor's leases for its own. */
export function newRunnerId(): string {
  return `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** The provider's address and key, unreadable. */
export function workspaceOf(baseUrl: string, apiKey: string): string {
  return createHash('sha256').update(`${baseUrl} ${apiKey}`).digest('hex').slice(0, 16);
}
