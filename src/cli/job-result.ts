/** What the last call of a job brought, as SpeechAI's document holds it: for `job show`. */
import { get, number, text } from '../domain/lenient.js';
import type { AnyDocument } from '../store/connection.js';
import { maskNumbers } from '../telemetry/phones.js';

export interface CallYield {
  readonly disposition: string | null;
  readonly qualification: string | null;
  readonly score: number | null;
  readonly sentiment: string | null;
  /** The provider's own words about the call. */
  readonly analysis: string | null;
  readonly promisedDate: string | null;
  readonly promisedAmount: number | null;
  readonly recording: string | null;
  /** Whole where it was asked for; else its length only. */
  readonly transcript: string | null;
  readonly transcriptCharacters: number;
}

/** null: no call of the job has ended yet, or it was one of SpeechAI's worker that left nothing readable. */
export function yieldOf(doc: AnyDocument, withTranscript: boolean): CallYield | null {
  const result: unknown = doc['call_result'];
  const summary = get(result, 'summary');
  const words = (from: unknown, key: string): string | null => {
    const read = text(get(from, key));
    return read === null ? null : maskNumbers(read);
  };
  const transcript = words(summary, 'transcript');
  const found: CallYield = {
    disposition: words(result, 'disposition'),
    qualification: words(result, 'qualification'),
    score: number(get(result, 'qualification_score')),
    sentiment: words(result, 'sentiment'),
    analysis: words(get(summary, 'call_analysis'), 'call_summary'),
    promisedDate: words(doc, 'fecha_pago_cliente'),
    promisedAmount: number(doc['monto_pago_cliente']),
    // An address, not free text: masking what looks like a number in it would make it useless.
    recording: text(get(summary, 'recording_url')),
    transcript: withTranscript ? transcript : null,
    transcriptCharacters: transcript?.length ?? 0,
  };
  return Object.values(found).every((value) => value === null || value === 0) ? null : found;
}

export function yieldLines(found: CallYield, ref: string): readonly string[] {
  const { disposition, qualification, score, sentiment, analysis, promisedDate, promisedAmount, recording, transcript } = found;
  const row = (name: string, value: string | null): string[] => (value === null || value === '' ? [] : [`  ${name.padEnd(9)} ${value}`]);
  const qualified = qualification === null ? null : `${qualification}${score === null ? '' : ` (${score})`}`;
  const outcome = [disposition, qualified, sentiment].flatMap((part) => part ?? []);
  const promised = [promisedAmount === null ? null : String(promisedAmount), promisedDate === null ? null : `on ${promisedDate}`];
  const unread = `${found.transcriptCharacters} characters: speechai job show ${ref} --transcript`;
  return [
    ...row('outcome', outcome.join(', ')),
    ...row('promise', promised.flatMap((part) => part ?? []).join(' ')),
    ...row('analysis', analysis),
    ...row('recording', recording),
    ...(transcript === null
      ? row('said', found.transcriptCharacters === 0 ? null : unread)
      : ['', 'Transcript of the last call:', ...transcript.split('\n').map((line) => `  ${line}`)]),
  ];
}
