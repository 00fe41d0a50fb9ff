import { choice, flag, optional, text } from '../parser.js';
import type { Schema } from '../setting.js';

type AppPath = 'env' | 'app.configDir' | 'app.allowRealCalls';

export const app: Pick<Schema, AppPath> = {
  env: {
    name: 'ENV',
    parser: choice(['development', 'testing', 'staging', 'production'], {
      dev: 'development',
      test: 'testing',
      stage: 'staging',
      prod: 'production',
    }),
    default: 'development',
    describe: 'Kind of installation: selects the profile `config/<env>.env` and how strict the checks are.',
    example: 'production',
  },
  'app.configDir': {
    name: 'SPEECHAI_CONFIG_DIR',
    parser: optional(text('a directory', (given) => !given.includes('\0'))),
    default: '',
    describe: 'Folder whose files override the packaged profiles, outcomes and rules.',
    example: '/etc/speechai',
  },
  'app.allowRealCalls': {
    name: 'ALLOW_REAL_CALLS',
    parser: flag(),
    default: 'false',
    describe: 'Lets ENV=testing use a Retell that is not on this machine. Real phones will ring.',
    example: '1',
  },
};
