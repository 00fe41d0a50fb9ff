import type { Parser } from '../parser.js';
import { choice, integer, list, matching, optional, text } from '../parser.js';
import type { Section } from '../setting.js';

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Python's names beside pino's, since the files of the system this program replaces have them. */
const level: Parser<string> = choice(levels, { WARNING: 'warn', CRITICAL: 'fatal', NOTSET: 'trace' });

const levelsByComponent: Parser<Readonly<Record<string, string>>> = {
  allowed: `component:level pairs separated by commas, each level ${level.allowed}`,
  parse: (given) => {
    const read = new Map<string, string>();
    for (const pair of given === '' ? [] : given.split(',')) {
      const [component = '', word = '', ...more] = pair.split(':').map((side) => side.trim());
      const found = level.parse(word);
      if (!/^[a-z][a-z0-9-]{0,31}$/.test(component) || found === null || more.length > 0) return null;
      read.set(component, found.value);
    }
    return { value: Object.fromEntries(read) };
  },
};

export const logging: Section<'logging'> = {
  'logging.level': {
    name: 'LOG_LEVEL',
    parser: level,
    default: 'INFO',
    describe: "Lowest level that is logged; Python's level names work too.",
    example: 'INFO',
  },
  'logging.levels': {
    name: 'LOG_LEVELS',
    parser: levelsByComponent,
    default: '',
    describe: 'Different levels for single components, libraries included.',
    example: 'store:debug,retell:info',
  },
  'logging.format': {
    name: 'LOG_FORMAT',
    parser: choice(['auto', 'json', 'pretty']),
    default: 'auto',
    describe: '`json` lines, `pretty` for people, or `auto`: pretty on a terminal outside production.',
    example: 'json',
  },
  'logging.dir': {
    name: 'LOG_DIR',
    parser: optional(text('a directory', (given) => !given.includes('\0'))),
    default: '',
    describe: 'Folder for log files and the call journal. Empty means standard output only.',
    example: '/var/log/speechai',
  },
  'logging.files': {
    name: 'LOG_FILES',
    parser: list(matching('a component name in small letters', /^[a-z][a-z0-9-]{0,31}$/)),
    default: 'app,error,retell,database,calls',
    describe: 'Files in LOG_DIR: `app` has everything, `error` only errors, each other file one component.',
    example: 'app,error,retell',
  },
  'logging.maxBytes': {
    name: 'LOG_MAX_BYTES',
    parser: integer({ min: 1_024, max: 10_737_418_240 }),
    default: '10485760',
    unit: 'bytes',
    describe: 'Log files are rotated at this size, and every day.',
    example: '10485760',
  },
  'logging.backups': {
    name: 'LOG_BACKUPS',
    parser: integer({ min: 0, max: 1_000 }),
    default: '5',
    describe: 'Rotated files to keep of each log.',
    example: '5',
  },
  'logging.retentionDays': {
    name: 'LOG_RETENTION_DAYS',
    parser: integer({ min: 1, max: 36_500 }),
    default: '365',
    unit: 'days',
    describe: 'Files of the call journal are deleted at this age.',
    example: '365',
  },
};
