/** From settings to what rules and parts need, in one place. */
import type { Settings } from '../config/settings.js';
import type { Policy } from '../domain/decision.js';
import type { IndexUse } from '../store/indexes.js';
import type { Timing } from './context.js';

export function policyOf({ calls, campaign, credit, limits, retell, retries }: Settings): Policy {
  return {
    maxAttempts: retries.maxAttempts,
    transientRetries: retries.transientRetries,
    minRedialMs: retries.minRedialMs,
    retryDelayMs: retries.retryDelayMs,
    noAnswerRetryMs: retries.noAnswerRetryMs,
    transientRetryMs: retries.transientRetryMs,
    voicemailPolicy: retries.voicemailPolicy,
    successStatus: retries.successStatus,
    ringMs: calls.ringTimeoutMs,
    maxDurationMs: calls.maxDurationMs,
    maxConcurrentCalls: limits.maxConcurrentCalls,
    maxCallsPerDay: limits.maxCallsPerDay,
    defaultMaxCallsPerDay: limits.defaultMaxCallsPerDay,
    holdMinutes: credit.holdMinutes,
    priceSource: credit.priceSource,
    fromNumbers: retell.fromNumbers,
    callerRules: {
      maxPerHour: limits.callerMaxPerHour,
      blocksToRest: limits.callerBlocksToRest === 0 ? null : limits.callerBlocksToRest,
      restMs: limits.callerRestMs,
    },
    agentId: retell.agentId,
    defaultTimezone: campaign.timezone,
    closingMarginMs: campaign.closingMarginMs,
    defaultRules: campaign.rules,
    callbackVariable: campaign.callbackVariable,
  };
}

/** Queues and caps per caller number have indexes of their own, which the others need not pay for. */
export function indexUseOf({ workers, limits }: Settings): IndexUse {
  return { queues: workers.queues.length > 0, callerCaps: limits.callerMaxPerHour !== null };
}

export function timingOf({ calls, retell, workers }: Settings): Timing {
  return {
    leaseMs: workers.leaseMs,
    dialWithinMs: calls.dialWithinMs,
    requestTimeoutMs: retell.timeoutMs,
    pollingIntervalMs: calls.pollingIntervalMs,
    pollTimeoutMs: calls.pollTimeoutMs,
    reconcileWindowMs: calls.reconcileWindowMs,
    analysisWaitMs: calls.analysisWaitMs,
    secondLookMs: calls.secondLookMs,
    claimPollMs: workers.claimPollMs,
    batchRefreshMs: workers.batchRefreshMs,
  };
}
