/** A file that cannot be imported as a whole. */
import { EXIT, SpeechAiError } from '../domain/errors.js';

export function refuseFile(why: string, remedy: string): SpeechAiError {
  return new SpeechAiError('IMPORT_FILE', why, { remedy, exitCode: EXIT.failed });
}
