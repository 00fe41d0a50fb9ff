import { MongoServerError, MongoWriteConcernError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { failureOf } from '../../src/cli/errors.js';
import { confirm, hasColour } from '../../src/cli/output.js';
import { EXIT, SpeechAiError } from '../../src/domain/errors.js';

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });
const coded = (code: string): Error => Object.assign(new Error('it failed'), { code });
const answered = (code: number): Error => new MongoServerError({ message: 'the server says no', code });

describe('what a failure is to a person and to a supervisor', () => {
  it.each([
    [new SpeechAiError('NO_BATCH', 'There is no such batch.', { remedy: 'List them.' }), 'NO_BATCH', EXIT.failed],
    [new SpeechAiError('AWAY', 'Gone.', { remedy: 'Wait.', exitCode: EXIT.tryAgain }), 'AWAY', EXIT.tryAgain],
    [named('MongoServerSelectionError', 'connect ECONNREFUSED'), 'DATABASE_AWAY', EXIT.tryAgain],
    [named('MongoNetworkTimeoutError', 'timed out'), 'DATABASE_AWAY', EXIT.tryAgain],
    [answered(11000), 'UNEXPECTED', EXIT.failed],
    [answered(10107), 'DATABASE_ELECTION', EXIT.tryAgain],
    [answered(189), 'DATABASE_ELECTION', EXIT.tryAgain],
    [new MongoWriteConcernError({ writeConcernError: { code: 64, errmsg: 'timed out' }, ok: 1 }), 'DATABASE_UNCONFIRMED', EXIT.tryAgain],
    [coded('ECONNREFUSED'), 'NETWORK_AWAY', EXIT.tryAgain],
    [coded('UND_ERR_HEADERS_TIMEOUT'), 'NETWORK_AWAY', EXIT.tryAgain],
    [coded('ENOENT'), 'UNEXPECTED', EXIT.failed],
    ['a string', 'UNEXPECTED', EXIT.failed],
    [null, 'UNEXPECTED', EXIT.failed],
  ])('%s is %s, exit %i', (thrown, code, exitCode) => expect(failureOf(thrown)).toMatchObject({ code, exitCode }));

  it('is one line, without what has the shape of a credential', () => {
    const { message } = failureOf(new Error('cannot reach\n  mongodb://ana:hunter22@db with key_abcdef123456\n    at x (y:1:2)'));
    expect(message).not.toMatch(/\n|hunter22|abcdef123456/);
  });
});

it('where nobody can answer, a question needs its flag', async () => {
  await expect(confirm('Delete it?', { yes: true })).resolves.toBe(true);
  const isTty = process.stdin.isTTY;
  process.stdin.isTTY = false;
  await expect(confirm('Delete it?', { yes: false })).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED', exitCode: EXIT.usage });
  process.stdin.isTTY = isTty;
});

it.each([
  [true, {}, true],
  [true, { NO_COLOR: '1' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, {}, false],
])('colour on a terminal %s with %j: %s', (isTTY, env, colour) => {
  expect(hasColour({ isTTY } as NodeJS.WriteStream, env)).toBe(colour);
});
