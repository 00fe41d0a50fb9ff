import { MongoServerError, MongoWriteConcernError } from 'mongodb';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { failureOf } from '../../src/cli/errors.js';
import { confirm, hasColour, isYes, snakeKeys, tableText } from '../../src/cli/output.js';
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

it('keys of JSON are spelled as those of the documents, names that are data as they are', () => {
  const at = new Date(0);
  expect(snakeKeys({ liveCalls: [{ callId: null, startedAt: at }], byStatus: { inProgress: 1 }, plain: 'aB' }, ['byStatus'])).toEqual({
    live_calls: [{ call_id: null, started_at: at }],
    by_status: { inProgress: 1 },
    plain: 'aB',
  });
});

it.each([
  [['y', 'Yes', 's', 'si', ' Sí ', 'SI\u0301'], true],
  [['', 'n', 'no', 'sin', 'yo', 'nosi'], false],
])('%j mean yes: %s', (answers, yes) => expect(answers.map(isYes)).toEqual(answers.map(() => yes)));

it('where nobody can answer, a question needs its flag', async () => {
  await expect(confirm('Delete it?', { yes: true })).resolves.toBe(true);
  const isTty = process.stdin.isTTY;
  process.stdin.isTTY = false;
  await expect(confirm('Delete it?', { yes: false })).rejects.toMatchObject({ code: 'CONFIRMATION_NEEDED', exitCode: EXIT.usage });
  process.stdin.isTTY = isTty;
});

describe('a question on a terminal', () => {
  const ask = async (typed: string): Promise<{ answer: boolean; shown: string }> => {
    const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
    const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    let shown = '';
    output.on('data', (chunk) => (shown += String(chunk)));
    const answer = confirm('Delete it?', { yes: false }, { input, output });
    input.write(typed);
    return { answer: await answer, shown };
  };

  it.each([
    ['y\r', true],
    ['YES\r', true],
    ['s\r', true],
    ['Sí\r', true],
    ['si\r', true],
    ['n\r', false],
    ['\r', false],
    ['sure\r', false],
    ['\u0004', false],
  ])('%j is %s', async (typed, yes) => {
    expect((await ask(typed)).answer).toBe(yes);
  });

  it('Ctrl-C says that nothing was done, and exits 130', async () => {
    const exit = vi.spyOn(process, 'exit').mockReturnValue(undefined as never);
    try {
      expect((await ask('\u0003\u0004')).shown).toContain('Nothing was done.');
      expect(exit).toHaveBeenCalledWith(EXIT.interrupted);
    } finally {
      exit.mockRestore();
    }
  });
});

it('a table wider than the terminal is told one value a line; in a file it stays a table', async () => {
  const head = ['job', 'why'];
  const rows = [
    ['j1', 'a reason that is long'],
    ['j2', ''],
  ];
  expect(await tableText(head, rows, 20)).toBe('job  j1\nwhy  a reason that is long\n\njob  j2');
  expect(await tableText(head, rows, Number.POSITIVE_INFINITY)).toContain('│ j1');
  expect(await tableText(head, [], 5)).toContain('│ job');
});

it.each([
  [true, {}, true],
  [true, { NO_COLOR: '1' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, {}, false],
])('colour on a terminal %s with %j: %s', (isTTY, env, colour) => {
  expect(hasColour({ isTTY } as NodeJS.WriteStream, env)).toBe(colour);
});
