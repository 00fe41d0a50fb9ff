/** The files that `speechai simulator` is given. */
import { readFile } from 'node:fs/promises';
import { EXIT, SpeechAiError, messageOf } from '../domain/errors.js';
import { E164 } from '../simulator/create-request.js';

/** One number a line, written as people write them; what follows a # is a comment. */
export async function readNumbers(file: string): Promise<string[]> {
  const lines = (await readText(file)).replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  const numbers = lines.flatMap((line, index) => numbersOf(line.replace(/#.*$/, ''), `${file} line ${index + 1}`));
  if (numbers.length > 0) return [...new Set(numbers)];
  throw new SpeechAiError('SIMULATOR_FILE', `${file} holds no number, so that none could call.`, {
    remedy: 'Write one number a line, or leave --numbers out to let every number call.',
    exitCode: EXIT.config,
  });
}

function numbersOf(line: string, where: string): string[] {
  const written = line.split(/[,;]/).filter((cell) => cell.trim() !== '');
  return written.map((cell) => {
    const number = cell.replace(/[\s().\-/]/g, '');
    if (E164.test(number)) return number;
    throw new SpeechAiError('SIMULATOR_FILE', `${where} is not a telephone number: ${cell.trim().slice(0, 40)}`, {
      remedy: 'Write it with + and the country code, one number a line; comments start with #.',
      exitCode: EXIT.config,
    });
  });
}

/** Of a file that holds a secret and nothing else. */
export async function readSecret(file: string): Promise<string> {
  const secret = (await readText(file)).trim();
  if (secret !== '') return secret;
  throw new SpeechAiError('SIMULATOR_FILE', `${file} is empty.`, {
    remedy: 'Write the key into it, and nothing else.',
    exitCode: EXIT.config,
  });
}

export async function readJson(file: string): Promise<unknown> {
  const text = await readText(file);
  try {
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_FILE', `${file} is not JSON: ${messageOf(thrown)}`, {
      remedy: 'Correct the file, or leave the option out.',
      exitCode: EXIT.config,
      cause: thrown,
    });
  }
}

export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new SpeechAiError('SIMULATOR_FILE', `${file} cannot be read: ${messageOf(thrown)}`, {
      remedy: 'Give the path of a file that exists.',
      exitCode: EXIT.usage,
      cause: thrown,
    });
  }
}
