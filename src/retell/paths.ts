/** Every path of the provider in one place: its API mixes versions and moves single endpoints from one to the next. */

export interface Path {
  /** What is sent. */
  readonly path: string;
  /** What is logged: the same for every call, so that lines can be counted. */
  readonly template: string;
}

const fixed = (path: string): Path => ({ path, template: path });
const ofCall = (prefix: string, callId: string): Path => ({
  path: `${prefix}/${encodeURIComponent(callId)}`,
  template: `${prefix}/:call_id`,
});

export const PATHS = {
  createCall: fixed('/v2/create-phone-call'),
  getCall: (callId: string): Path => ofCall('/v2/get-call', callId),
  listCalls: fixed('/v3/list-calls'),
  stopCall: (callId: string): Path => ofCall('/v2/stop-call', callId),
  concurrency: fixed('/get-concurrency'),
  keyInfo: fixed('/get-api-key-info'),
} as const;
