/** How a dial will go: by script, by the number's last digits, or by odds that depend on the seed, the number and its n-th dial alone. */
import type { Random } from '../domain/ports.js';
import { between, dice } from './dice.js';
import { knownPattern, patternOfNumber } from './patterns.js';
import type { Pattern } from './patterns.js';
import { scripted } from './script.js';
import type { Script, ScriptStep } from './script.js';

export interface PlannedOutcome {
  readonly name: string;
  readonly reason: string;
  readonly status: string;
  readonly liveStatus: string | null;
  /** Simulated; Infinity: until the ring limit. */
  readonly ringMs: number;
  /** null: nobody answers. */
  readonly talkMs: number | null;
  readonly spoke: boolean;
  readonly success: boolean;
  readonly inVoicemail: boolean;
  /** After the end of the call; null: never. */
  readonly analysisMs: number | null;
  readonly cost: boolean;
  /** By script only; null: by duration. */
  readonly costCents: number | null;
  readonly collected: Readonly<Record<string, string>> | null;
}

/** A believable day of a collections campaign: [name, share]. Numbers that do not exist are drawn apart, once per number. */
const ODDS: readonly (readonly [name: string, share: number])[] = [
  ['dial_no_answer', 0.43],
  ['user_declined', 0.03],
  ['voicemail_reached', 0.15],
  ['voicemail_by_analysis', 0.04],
  ['ivr_reached', 0.02],
  ['success', 0.1],
  ['user_hangup', 0.07],
  ['agent_hangup', 0.02],
  ['inactivity', 0.01],
  ['dial_busy', 0.06],
  ['dial_failed', 0.03],
  ['telephony_provider_unavailable', 0.015],
  ['error_retell', 0.01],
  ['error_no_audio_received', 0.005],
  ['user_requested_dnc', 0.005],
  ['marked_as_spam', 0.005],
];

/** A number that does not exist does not exist tomorrow either. */
const DEAD_NUMBERS = 0.03;

export function chooseOutcome(seed: string, number: string, dial: number, script: Script | null): PlannedOutcome {
  const random = dice('outcome', seed, number, dial);
  const step = script === null ? undefined : scripted(script, number, dial);
  if (step !== undefined) return shape(knownPattern(step.outcome), random, step);
  return shape(patternOfNumber(number) ?? byOdds(seed, number, random), random, undefined);
}

function byOdds(seed: string, number: string, random: Random): Pattern {
  if (dice('dead number', seed, number)() < DEAD_NUMBERS) return knownPattern('invalid_destination');
  let left = random() * ODDS.reduce((sum, [, share]) => sum + share, 0);
  for (const [name, share] of ODDS) {
    left -= share;
    if (left < 0) return knownPattern(name);
  }
  return knownPattern('dial_no_answer');
}

function shape(pattern: Pattern, random: Random, step: ScriptStep | undefined): PlannedOutcome {
  const ring =
    pattern.ringSeconds === null
      ? Number.POSITIVE_INFINITY
      : between(random, pattern.ringSeconds[0] * 1000, pattern.ringSeconds[1] * 1000 + 1);
  const talk = pattern.talkSeconds === null ? null : between(random, pattern.talkSeconds[0] * 1000, pattern.talkSeconds[1] * 1000 + 1);
  const analysis =
    pattern.analysisSeconds === null ? null : between(random, pattern.analysisSeconds[0] * 1000, pattern.analysisSeconds[1] * 1000 + 1);
  return {
    name: pattern.name,
    reason: pattern.reason,
    status: pattern.status,
    liveStatus: pattern.liveStatus,
    ringMs: step?.ringSeconds === undefined ? ring : step.ringSeconds * 1000,
    talkMs: talk === null || step?.talkSeconds === undefined ? talk : step.talkSeconds * 1000,
    spoke: pattern.spoke,
    success: pattern.success,
    inVoicemail: pattern.inVoicemail,
    analysisMs: step?.analysisSeconds === undefined ? analysis : step.analysisSeconds === null ? null : step.analysisSeconds * 1000,
    cost: pattern.cost,
    costCents: step?.costCents ?? null,
    collected: step?.collected ?? null,
  };
}
