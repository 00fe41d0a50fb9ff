import { choice, duration, flag, integer, matching, number, optional, text } from '../parser.js';
import type { Section } from '../setting.js';
import { webhookUrl } from '../uri.js';

export const limits: Section<'limits'> = {
  'limits.maxConcurrentCalls': {
    name: 'MAX_CONCURRENT_CALLS',
    parser: integer({ min: 1, max: 10_000 }),
    default: '20',
    describe: 'Live calls of the whole installation, all processes together.',
    example: '20',
  },
  'limits.callsPerSecond': {
    name: 'CALLS_PER_SECOND',
    parser: number({ min: 0.001, max: 10_000 }),
    default: '1',
    describe: 'Calls started per second, all processes together.',
    example: '1',
  },
  'limits.maxCallsPerDay': {
    name: 'MAX_CALLS_PER_DAY',
    parser: optional(integer({ min: 1, max: 10_000_000 })),
    default: '',
    describe:
      'Calls a day of the whole installation, all accounts and processes together, by DEFAULT_TIMEZONE; nothing written means no limit.',
    example: '5000',
  },
  'limits.defaultMaxCallsPerDay': {
    name: 'DEFAULT_MAX_CALLS_PER_DAY',
    parser: optional(integer({ min: 1, max: 10_000_000 })),
    default: '',
    describe: 'Calls per batch and day, where the batch does not say; nothing written means no limit.',
    example: '500',
  },
  'limits.retryShare': {
    name: 'RETRY_SHARE',
    parser: number({ min: 0, max: 1 }),
    default: '0.5',
    describe: 'Share of starts, 0 to 1, that retries may take while new work waits too.',
    example: '0.5',
  },
  'limits.useProviderConcurrency': {
    name: 'USE_PROVIDER_CONCURRENCY',
    parser: flag(),
    default: 'false',
    describe: 'Asks Retell how many calls its workspace has left, and stays below that too.',
    example: 'true',
  },
  'limits.importMaxMb': {
    name: 'IMPORT_MAX_MB',
    parser: number({ min: 0.001, max: 10_000 }),
    default: '200',
    unit: 'megabytes',
    describe: 'Largest file that `batch import` takes.',
    example: '200',
  },
  'limits.callerMaxPerHour': {
    name: 'CALLER_MAX_CALLS_PER_HOUR',
    parser: optional(integer({ min: 1, max: 100_000 })),
    default: '',
    describe: 'Calls from one caller number in any hour; nothing written means no limit. Run `speechai db init` after setting it.',
    example: '100',
  },
  'limits.callerBlocksToRest': {
    name: 'CALLER_BLOCKS_TO_REST',
    parser: integer({ min: 0, max: 1_000 }),
    default: '3',
    describe: 'A caller number rests after so many blocks by the network within CALLER_REST_MINUTES; 0 means never.',
    example: '3',
  },
  'limits.callerRestMs': {
    name: 'CALLER_REST_MINUTES',
    parser: duration('minutes', { min: 0.001, max: 10_080 }),
    default: '60',
    unit: 'minutes',
    describe: 'How long a blocked caller number is left alone, counted from its last block.',
    example: '60',
  },
};

export const credit: Section<'credit'> = {
  'credit.priceSource': {
    name: 'PRICE_SOURCE',
    parser: choice(['provider', 'tariff']),
    default: 'provider',
    describe: "What a call costs the account: the provider's figure, or the account's own tariff.",
    example: 'provider',
  },
  'credit.holdMinutes': {
    name: 'CREDIT_HOLD_MINUTES',
    parser: number({ min: 0, max: 120 }),
    default: '3',
    unit: 'minutes',
    describe:
      'Minimum minutes of credit reserved before a call; more if the balance allows. A call never lasts longer than its reserve pays for, so all calls together cannot cost more than was bought.',
    example: '3',
  },
};

const zone = text('an IANA time zone such as America/Santiago', (given) => {
  // Offsets such as +03:00 are valid for Intl, but have no summer time: windows in them would be wrong half the year.
  if (!/^(?:UTC|[A-Z][A-Za-z_]+\/[A-Za-z0-9_/+-]+)$/.test(given)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
});

export const campaign: Section<'campaign'> = {
  'campaign.timezone': {
    name: 'DEFAULT_TIMEZONE',
    parser: zone,
    default: 'America/Santiago',
    describe: 'Zone of calling hours where contact, batch, account and country name none.',
    example: 'America/Argentina/Buenos_Aires',
  },
  'campaign.closingMarginMs': {
    name: 'CLOSING_MARGIN_SECONDS',
    parser: duration('seconds', { min: 0, max: 3_600 }),
    default: '60',
    unit: 'seconds',
    describe: 'Nothing is dialled this shortly before a window ends, so that no telephone rings after it.',
    example: '60',
  },
  'campaign.rules': {
    name: 'CAMPAIGN_RULES',
    parser: matching('none, country (by account), or the name of a rule pack such as cl or ar', /^[a-z][a-z0-9-]{0,31}$/),
    default: 'none',
    describe:
      'Rule pack for batches that name none: `none`, `country` (the one of the account; nobody is called where it has none), or its name.',
    example: 'cl',
  },
  'campaign.callbackVariable': {
    name: 'CALLBACK_VARIABLE',
    parser: matching('one word', /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/),
    default: 'callback_time',
    describe: 'Variable of a call, collected or analysed, that holds an agreed time to call again.',
    example: 'fecha_callback',
  },
};

export const alerts: Section<'alerts'> = {
  'alerts.webhookUrl': {
    name: 'ALERT_WEBHOOK_URL',
    parser: optional(webhookUrl),
    default: '',
    describe: 'Address that gets a JSON message for every alert.',
    example: 'https://hooks.example.net/speechai',
    privacy: 'secret',
  },
};
