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
      'Calls per day of the whole installation, all accounts and processes together; the day follows DEFAULT_TIMEZONE. Empty means no limit.',
    example: '5000',
  },
  'limits.defaultMaxCallsPerDay': {
    name: 'DEFAULT_MAX_CALLS_PER_DAY',
    parser: optional(integer({ min: 1, max: 10_000_000 })),
    default: '',
    describe: 'Calls per batch and day, unless the batch sets it. Empty means no limit.',
    example: '500',
  },
  'limits.retryShare': {
    name: 'RETRY_SHARE',
    parser: number({ min: 0, max: 1 }),
    default: '0.5',
    describe: 'Share of call starts, 0 to 1, that retries may take while new contacts are waiting.',
    example: '0.5',
  },
  'limits.useProviderConcurrency': {
    name: 'USE_PROVIDER_CONCURRENCY',
    parser: flag(),
    default: 'false',
    describe: 'Asks Retell how many more calls its workspace allows now, and also stays below that.',
    example: 'true',
  },
  'limits.importMaxMb': {
    name: 'IMPORT_MAX_MB',
    parser: number({ min: 0.001, max: 10_000 }),
    default: '200',
    unit: 'megabytes',
    describe: 'Largest file that `batch import` accepts.',
    example: '200',
  },
  'limits.callerMaxPerHour': {
    name: 'CALLER_MAX_CALLS_PER_HOUR',
    parser: optional(integer({ min: 1, max: 100_000 })),
    default: '',
    describe: 'Calls from one caller number in any hour. Empty means no limit. Run `speechai db init` after setting it.',
    example: '100',
  },
  'limits.callerBlocksToRest': {
    name: 'CALLER_BLOCKS_TO_REST',
    parser: integer({ min: 0, max: 1_000 }),
    default: '3',
    describe: 'A caller number rests after the network has blocked this many of its calls within CALLER_REST_MINUTES; 0 means never.',
    example: '3',
  },
  'limits.callerRestMs': {
    name: 'CALLER_REST_MINUTES',
    parser: duration('minutes', { min: 0.001, max: 10_080 }),
    default: '60',
    unit: 'minutes',
    describe: 'How long a blocked caller number rests, counted from its last block.',
    example: '60',
  },
};

export const credit: Section<'credit'> = {
  'credit.priceSource': {
    name: 'PRICE_SOURCE',
    parser: choice(['provider', 'tariff']),
    default: 'provider',
    describe: "How a call is priced for the account: by the provider's cost, or by the account's own tariff.",
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
    describe: 'Time zone of the calling hours when contact, batch, account and country set none.',
    example: 'America/Argentina/Buenos_Aires',
  },
  'campaign.closingMarginMs': {
    name: 'CLOSING_MARGIN_SECONDS',
    parser: duration('seconds', { min: 0, max: 3_600 }),
    default: '60',
    unit: 'seconds',
    describe: 'No call is placed in this time before the calling hours end, so that no phone rings after them.',
    example: '60',
  },
  'campaign.rules': {
    name: 'CAMPAIGN_RULES',
    parser: matching('none, country (by account), or the name of a rule pack such as cl or ar', /^[a-z][a-z0-9-]{0,31}$/),
    default: 'none',
    describe:
      "Rule pack for batches that name none: `none`, `country` (the account's country; if that has no pack, nobody is called), or the name of a pack.",
    example: 'cl',
  },
  'campaign.callbackVariable': {
    name: 'CALLBACK_VARIABLE',
    parser: matching('one word', /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/),
    default: 'callback_time',
    describe: 'Call variable, collected or analysed, that holds the agreed time for calling again.',
    example: 'fecha_callback',
  },
};

export const alerts: Section<'alerts'> = {
  'alerts.webhookUrl': {
    name: 'ALERT_WEBHOOK_URL',
    parser: optional(webhookUrl),
    default: '',
    describe: 'Address that receives a JSON message for every alert.',
    example: 'https://hooks.example.net/speechai',
    privacy: 'secret',
  },
};
