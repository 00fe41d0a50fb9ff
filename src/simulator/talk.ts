/** What was said and what came of it. The people of the campaigns speak Spanish, so these do. */
import { between, dice, pick } from './dice.js';
import type { SimulatedCall } from './call.js';

export interface Line {
  readonly role: 'agent' | 'user';
  readonly content: string;
}

const agent = (content: string): Line => ({ role: 'agent', content });
const user = (content: string): Line => ({ role: 'user', content });

const REFUSALS: readonly [string, ...string[]] = [
  'No, ahora no puedo hablar.',
  'Esa deuda no es mía.',
  'Ya pagué la semana pasada.',
  'Llámeme otro día, por favor.',
];

export function linesOf(call: SimulatedCall, seed: string): Line[] {
  if (call.startedAtMs === null) return [];
  const random = dice('talk', seed, call.request.to, call.dial);
  const name = call.request.variables?.['nombre'] ?? 'el titular';
  const opening = agent(`Buenas tardes, ¿hablo con ${name}?`);
  const { outcome } = call;
  if (!outcome.spoke) return [opening, agent('¿Me escucha?')];
  if (outcome.name.startsWith('voicemail')) {
    return [user('Te has comunicado con el buzón de voz. Deja tu mensaje después de la señal.'), opening];
  }
  if (outcome.name === 'ivr_reached') return [user('Para ventas, marque uno. Para soporte, marque dos.'), opening];
  if (outcome.name === 'user_requested_dnc')
    return [opening, user('No me llamen nunca más, por favor.'), agent('Entendido, no volveremos a llamar.')];
  if (!outcome.success)
    return [opening, user('Sí, ¿quién habla?'), agent('Le llamo por una cuenta pendiente.'), user(pick(random, REFUSALS))];
  const promise = promiseOf(call, seed);
  return [
    opening,
    user('Sí, con ella habla.'),
    agent('Le llamo por una cuenta pendiente. ¿Cuándo podría pagarla?'),
    user(`Puedo pagar ${promise.amount} pesos el ${promise.date}.`),
    agent('Perfecto, queda anotado. Muchas gracias.'),
  ];
}

export function transcriptOf(lines: readonly Line[]): string {
  return lines.map((line) => `${line.role === 'agent' ? 'Agent' : 'User'}: ${line.content}\n`).join('');
}

export interface PaymentPromise {
  readonly date: string;
  readonly amount: string;
}

/** Three to twelve days after the call; the amount is the debt where the variables name one. */
export function promiseOf(call: SimulatedCall, seed: string): PaymentPromise {
  const random = dice('promise', seed, call.request.to, call.dial);
  const day = new Date((call.startedAtMs ?? call.createdAtMs) + between(random, 3, 13) * 86_400_000).toISOString().slice(0, 10);
  const variables = call.request.variables ?? {};
  const named = variables['monto_total'] ?? variables['debt_amount'] ?? '';
  const digits = named.replace(/\D/g, '');
  return { date: day, amount: digits === '' ? String(between(random, 15, 400) * 1000) : digits };
}

export function collectedOf(call: SimulatedCall, seed: string): Record<string, string> | null {
  if (call.outcome.collected !== null) return { ...call.outcome.collected };
  if (!call.outcome.success || call.startedAtMs === null) return null;
  const promise = promiseOf(call, seed);
  return { fecha_pago_cliente: promise.date, monto_pago_cliente: promise.amount };
}

export interface CallAnalysis {
  readonly call_summary: string;
  readonly in_voicemail: boolean;
  readonly user_sentiment: 'Negative' | 'Positive' | 'Neutral' | 'Unknown';
  readonly call_successful: boolean;
  readonly custom_analysis_data: Record<string, string | boolean>;
}

export function analysisOf(call: SimulatedCall, seed: string): CallAnalysis {
  const { outcome } = call;
  const human = outcome.spoke && !outcome.inVoicemail && !outcome.name.startsWith('voicemail');
  return {
    call_summary: outcome.success
      ? 'The person was reached and promised to pay.'
      : human
        ? 'The person was reached; nothing was agreed.'
        : 'No person was reached.',
    in_voicemail: outcome.inVoicemail,
    user_sentiment: outcome.success
      ? 'Positive'
      : human
        ? pick(dice('mood', seed, call.request.to, call.dial), ['Neutral', 'Negative'])
        : 'Unknown',
    call_successful: outcome.success,
    custom_analysis_data: outcome.success ? { promesa_de_pago: true } : {},
  };
}
