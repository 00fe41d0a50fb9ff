/**
 * Telephone numbers that always end the same way: 9, then the class, then the variant. The last three digits choose.
 * 90 answered, 91 machines, 92 no answer, 93 busy, 94 dead numbers, 95 caller id, 96 provider, 97 language model, 98 account and people, 99 oddities.
 */

type Range = readonly [low: number, high: number];

/** What a number does. Seconds are simulated seconds. */
export interface Pattern {
  readonly digits: string;
  /** For script files and the odds; unique. */
  readonly name: string;
  readonly reason: string;
  readonly status: string;
  /** null: rings until the ring limit. */
  readonly ringSeconds: Range | null;
  /** null: nobody answers. */
  readonly talkSeconds: Range | null;
  readonly spoke: boolean;
  readonly success: boolean;
  readonly inVoicemail: boolean;
  /** null: the analysis never comes. */
  readonly analysisSeconds: Range | null;
  readonly cost: boolean;
  /** A status nobody documented, shown from the moment of the answer on. */
  readonly liveStatus: string | null;
  readonly text: string;
}

type Shape = Partial<Omit<Pattern, 'digits' | 'name' | 'text' | 'reason'>>;

const USUAL_ANALYSIS: Range = [4, 15];

function row(digits: string, name: string, reason: string, text: string, shape: Shape): Pattern {
  return {
    digits,
    name,
    reason,
    text,
    status: 'not_connected',
    ringSeconds: [2, 12],
    talkSeconds: null,
    spoke: false,
    success: false,
    inVoicemail: false,
    analysisSeconds: USUAL_ANALYSIS,
    cost: true,
    liveStatus: null,
    ...shape,
  };
}

const human = (digits: string, name: string, reason: string, text: string, shape: Shape = {}): Pattern =>
  row(digits, name, reason, text, { status: 'ended', ringSeconds: [4, 20], talkSeconds: [25, 140], spoke: true, ...shape });

const machine = (digits: string, name: string, reason: string, text: string, shape: Shape = {}): Pattern =>
  row(digits, name, reason, text, {
    status: 'ended',
    ringSeconds: [15, 25],
    talkSeconds: [6, 30],
    inVoicemail: true,
    spoke: true,
    ...shape,
  });

const unconnected = (digits: string, reason: string, text: string, shape: Shape = {}): Pattern => row(digits, reason, reason, text, shape);

const fails = (digits: string, reason: string, text: string, shape: Shape = {}): Pattern =>
  row(digits, reason, reason, text, { status: 'error', ringSeconds: [1, 5], ...shape });

/** Breaks off in the middle of the talk. */
const breaks = (digits: string, reason: string, text: string): Pattern =>
  fails(digits, reason, text, { ringSeconds: [4, 15], talkSeconds: [3, 40], spoke: true });

export const PATTERNS: readonly Pattern[] = [
  human('900', 'success', 'agent_hangup', 'a person answers and promises to pay: date and amount are collected', {
    talkSeconds: [45, 180],
    success: true,
  }),
  human('901', 'user_hangup', 'user_hangup', 'a person answers, promises nothing and hangs up'),
  human('902', 'agent_hangup', 'agent_hangup', 'a person answers, the agent says goodbye, no success'),
  human('903', 'call_transfer', 'call_transfer', 'transferred to a person of the company', { success: true }),
  human('904', 'transfer_bridged', 'transfer_bridged', 'transferred, and the two were connected', { success: true }),
  human('905', 'transfer_cancelled', 'transfer_cancelled', 'a transfer was begun and cancelled'),
  human('906', 'call_take_over', 'call_take_over', 'a colleague took the call over'),
  human('907', 'inactivity', 'inactivity', 'picked up, and nobody ever spoke', { spoke: false, talkSeconds: [20, 40] }),
  human('908', 'max_duration_reached', 'max_duration_reached', 'talks until the maximum duration', { talkSeconds: [100_000, 100_000] }),
  human('909', 'user_requested_dnc', 'user_requested_dnc', 'the person asks never to be called again', { talkSeconds: [8, 25] }),

  machine('910', 'voicemail_reached', 'voicemail_reached', 'a voicemail, and every field says so'),
  machine('911', 'ivr_reached', 'ivr_reached', 'an automatic menu'),
  machine('912', 'voicemail_by_analysis', 'user_hangup', 'a voicemail that only the analysis noticed'),
  machine('913', 'voicemail_by_reason', 'voicemail_reached', 'a voicemail by its reason, and the analysis says it was none', {
    inVoicemail: false,
  }),

  unconnected('920', 'dial_no_answer', 'rings until the ring limit, nobody answers', { ringSeconds: null }),
  unconnected('921', 'user_declined', 'declined while ringing', { ringSeconds: [3, 12] }),
  unconnected('930', 'dial_busy', 'busy', { ringSeconds: [1, 4] }),
  unconnected('940', 'invalid_destination', 'the number does not exist', { ringSeconds: [1, 3] }),
  unconnected('941', 'dial_failed', 'the call could not be set up', { ringSeconds: [1, 4] }),
  unconnected('950', 'marked_as_spam', 'our caller number is marked as spam', { ringSeconds: [1, 4] }),
  unconnected('951', 'network_blocked', 'the network blocks our caller number', { ringSeconds: [1, 4] }),

  unconnected('960', 'telephony_provider_unavailable', 'the carrier is down', { ringSeconds: [1, 5] }),
  fails('961', 'concurrency_limit_reached', 'the workspace is full, says the call instead of a 429', { ringSeconds: [0, 1] }),
  breaks('962', 'error_retell', 'an error of the provider in the middle of the talk'),
  breaks('963', 'error_asr', 'speech recognition failed in the middle of the talk'),
  fails('964', 'error_unknown', 'an error the provider has no word for'),
  breaks('965', 'error_no_audio_received', 'no audio came'),
  fails('966', 'registered_call_timeout', 'registered and never started', { ringSeconds: [20, 29] }),
  unconnected('967', 'sip_routing_error', 'no route to the number', { ringSeconds: [1, 4] }),
  fails('968', 'no_concurrency_fallback', 'an inbound reason on an outbound call'),
  fails('969', 'error_user_not_joined', 'a web-call reason on a phone call'),
  breaks('970', 'error_llm_websocket_lost_connection', 'the language model was lost in the middle of the talk'),
  breaks('971', 'error_llm_websocket_runtime', 'the language model failed in the middle of the talk'),
  breaks('972', 'error_llm_websocket_corrupt_payload', 'the language model answered nonsense'),
  fails('973', 'error_llm_websocket_open', 'the language model could not be reached'),

  fails('980', 'no_valid_payment', 'the workspace has no means of payment'),
  fails('981', 'scam_detected', 'the workspace is suspected of fraud'),
  unconnected('982', 'telephony_provider_permission_denied', 'the workspace may not call this country', { ringSeconds: [1, 3] }),
  fails('983', 'credit_exhausted', 'the workspace has no credit left'),
  fails('984', 'budget_reached', 'the budget of the workspace is spent'),
  human('985', 'manual_stopped', 'manual_stopped', 'an operator ends the call in the provider’s console', { talkSeconds: [5, 30] }),

  human('990', 'unknown_reason', 'caller_abducted', 'ends with a reason nobody documented'),
  human('991', 'unknown_status', 'user_hangup', 'ends with a status nobody documented', { status: 'archived' }),
  human('992', 'unknown_live_status', 'user_hangup', 'is live under a status nobody documented, for 10 minutes', {
    liveStatus: 'on_hold',
    talkSeconds: [600, 600],
  }),
  human('993', 'no_analysis', 'agent_hangup', 'a talk whose analysis never comes', { analysisSeconds: null }),
  human('994', 'no_cost', 'agent_hangup', 'a talk whose cost never comes', { cost: false }),
  human('995', 'long_talk', 'user_hangup', 'talks for 40 minutes', { talkSeconds: [2400, 2400] }),
  human('996', 'late_analysis', 'agent_hangup', 'a success whose analysis comes 10 minutes late', {
    analysisSeconds: [600, 600],
    success: true,
  }),
  row('997', 'unknown_error', 'error_cosmic_ray', 'fails with an error_ reason nobody documented', {
    status: 'error',
    ringSeconds: [1, 5],
  }),
  row('998', 'unknown_dial', 'dial_misrouted', 'is not connected, with a dial_ reason nobody documented', { ringSeconds: [1, 5] }),
];

const byDigits = new Map(PATTERNS.map((pattern) => [pattern.digits, pattern]));
const byName = new Map(PATTERNS.map((pattern) => [pattern.name, pattern]));

export function patternOfNumber(number: string): Pattern | undefined {
  return byDigits.get(number.slice(-3));
}

export function patternNamed(name: string): Pattern | undefined {
  return byName.get(name);
}

/** For code that names a pattern of this table itself. */
export function knownPattern(name: string): Pattern {
  const pattern = byName.get(name);
  if (pattern === undefined) throw new RangeError(`there is no number pattern called ${name}`);
  return pattern;
}

/** The table as people read it in --help. */
export function describePatterns(): string {
  const width = Math.max(...PATTERNS.map((pattern) => pattern.name.length));
  return PATTERNS.map((pattern) => `  ...${pattern.digits}  ${pattern.name.padEnd(width)}  ${pattern.text}`).join('\n');
}
