import { duration, list, matching, orEmpty } from '../parser.js';
import type { Section } from '../setting.js';
import { httpUrl } from '../uri.js';

export const DEFAULT_RETELL_URL = 'https://api.retellai.com';

export const retell: Section<'retell'> = {
  'retell.apiKey': {
    name: 'RETELL_API_KEY',
    parser: orEmpty(matching('one word of 4 to 512 printable characters', /^[\x21-\x7e]{4,512}$/)),
    default: '',
    describe: 'API key of the Retell workspace; without one, development and testing use the simulator. RETELL_API_KEY_FILE is safer.',
    example: 'key_0123456789abcdef',
    privacy: 'secret',
  },
  'retell.baseUrl': {
    name: 'RETELL_BASE_URL',
    parser: httpUrl,
    default: DEFAULT_RETELL_URL,
    describe: 'Address of Retell, or of a simulator on this machine.',
    example: DEFAULT_RETELL_URL,
  },
  'retell.agentId': {
    name: 'RETELL_AGENT_ID',
    parser: orEmpty(matching('one word of letters, digits, "-" and "_"', /^[A-Za-z0-9_-]{1,128}$/)),
    default: '',
    describe: 'Agent that speaks, when batch and account name none.',
    example: 'agent_0123456789abcdef',
  },
  'retell.fromNumbers': {
    name: 'RETELL_FROM_NUMBER',
    parser: list(matching('a number as +56911112222', /^\+[1-9]\d{6,14}$/)),
    default: '',
    describe: 'Caller number, or several separated by commas; the workspace must own them.',
    example: '+56911112222',
    privacy: 'phone',
  },
  'retell.timeoutMs': {
    name: 'RETELL_TIMEOUT_SECONDS',
    parser: duration('seconds', { min: 0.05, max: 300 }),
    default: '30',
    unit: 'seconds',
    describe: 'Longest wait for an answer from Retell; a call request without an answer is looked up, never sent again.',
    example: '30',
  },
};
