/** The campaign the demo loads: three accounts, four batches, and contacts that meet every way a call can go. Everything hangs on the seed. */
import type { Random } from '../../src/domain/ports.js';
import { dice } from '../../src/simulator/dice.js';
import { type Country, inventNumber, inventPerson } from './people.js';

/** Hours of a batch in its own zone, as a person would write them. */
export interface Hours {
  readonly start: string;
  readonly end: string;
  readonly zone: string;
}

export interface DemoBatch {
  readonly id: string;
  readonly name: string;
  readonly account: string;
  readonly country: Country;
  readonly hours: Hours | null;
  readonly maxAttempts: number;
  /** Share of the contacts. */
  readonly share: number;
}

export interface DemoAccount {
  readonly id: string;
  readonly name: string;
  readonly country: Country;
  readonly plan: 'credit_based' | 'minutes_based' | 'unlimited';
  readonly zone: string;
  /** Dollars; null where the plan has none. */
  readonly credit: number | null;
}

export interface Campaign {
  readonly accounts: readonly DemoAccount[];
  readonly batches: readonly DemoBatch[];
  readonly jobs: readonly DemoJob[];
  /** The batch that is paused and resumed on the way. */
  readonly paused: string;
  /** A number whose first call Retell drops without a trace. */
  readonly lostNumber: string;
  /** Its job, whose story is worth reading. */
  readonly storyJob: string;
  /** The batch whose hours are not now. */
  readonly closed: string;
}

export interface DemoJob {
  readonly job_id: string;
  readonly batch_id: string;
  readonly account_id: string;
  readonly contact: unknown;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Every class of outcome that leaves the daemon dialling; those at the front come even in the smallest campaign. */
const SHOWN: readonly (readonly string[])[] = [
  ['930', '900'],
  ['940', '901'],
  ['920', '910'],
  ['909'],
  ['990'],
  ['960'],
  ['913'],
  ['941', '921'],
  ['950'],
  ['985'],
  ['912'],
  ['907'],
  ['962', '902'],
  ['908'],
  ['993'],
  ['996'],
  ['998'],
  ['903'],
  ['911'],
  ['966'],
];

const ZONE: Readonly<Record<Country, string>> = { CL: 'America/Santiago', AR: 'America/Argentina/Buenos_Aires' };
const CREDIT_PER_CONTACT = 0.05;

export function planCampaign(seed: string, size: number, now: Date): Campaign {
  const random = dice('demo campaign', seed);
  const rounded = planBatches(now).map((batch) => ({ batch, count: Math.max(2, Math.round(size * batch.share)) }));
  const tooMany = rounded.reduce((sum, { count }) => sum + count, 0) - size;
  const shares = rounded.map(({ batch, count }) => ({ batch, count: batch.id === MAIN ? count - tooMany : count }));
  const lostNumber = inventNumber('CL', 9_999, '900');
  const special = [...SHOWN];
  let n = 0;
  const jobs = shares.flatMap(({ batch, count }) => {
    const oddities = batch.id === MAIN ? odd(batch, lostNumber) : [];
    // The open batches of the account that can pay show the special cases, one contact in two.
    const shows = batch.account === PAYING;
    const ordinary = Array.from({ length: Math.max(1, count - oddities.length) }, (_, i) => {
      n += 1;
      return contact(batch, n, shows && i % 2 === 0 ? special.shift() : undefined, random);
    });
    return [...oddities, ...ordinary];
  });
  const onCredit = shares.find(({ batch }) => batch.account === ON_CREDIT)?.count ?? 0;
  return {
    accounts: planAccounts(onCredit),
    batches: shares.map(({ batch }) => batch),
    jobs,
    paused: MAIN,
    lostNumber,
    storyJob: 'demo-lost',
    closed: CLOSED,
  };
}

const MAIN = 'cordillera-mayo';
const CLOSED = 'pampa-noche';
const PAYING = 'cordillera';
const ON_CREDIT = 'andes';

function planBatches(now: Date): readonly DemoBatch[] {
  const base = { maxAttempts: 3, hours: null };
  return [
    { ...base, id: MAIN, name: 'Cobranza mayo', account: PAYING, country: 'CL', share: 0.4 },
    { ...base, id: 'andes-vencidos', name: 'Vencidos', account: ON_CREDIT, country: 'CL', share: 0.25, hours: openHours(now, ZONE.CL) },
    { ...base, id: 'cordillera-cuyo', name: 'Cuyo', account: PAYING, country: 'AR', share: 0.25 },
    { ...base, id: CLOSED, name: 'Segundo llamado', account: 'pampa', country: 'AR', share: 0.1, hours: closedHours(now, ZONE.AR) },
  ];
}

function planAccounts(creditContacts: number): readonly DemoAccount[] {
  const credit = Math.max(0.5, Math.round(creditContacts * CREDIT_PER_CONTACT * 100) / 100);
  return [
    { id: PAYING, name: 'Financiera Cordillera (invented)', country: 'CL', plan: 'minutes_based', zone: ZONE.CL, credit: null },
    { id: ON_CREDIT, name: 'Créditos Andes (invented)', country: 'CL', plan: 'credit_based', zone: ZONE.CL, credit },
    { id: 'pampa', name: 'Estudio Pampa (invented)', country: 'AR', plan: 'unlimited', zone: ZONE.AR, credit: null },
  ];
}

/** Hour of the day in a zone, by the platform's calendar: the audit must not share the daemon's arithmetic. */
export function minuteOfDay(at: Date, zone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(
    at,
  );
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0);
  return part('hour') * 60 + part('minute');
}

const clock = (hour: number): string => `${String(((hour % 24) + 24) % 24).padStart(2, '0')}:00`;

/** From the hour before this one to six hours on; may run over midnight. */
function openHours(now: Date, zone: string): Hours {
  const hour = Math.floor(minuteOfDay(now, zone) / 60);
  return { start: clock(hour - 1), end: clock(hour + 6), zone };
}

/** Two hours, half a day away. */
function closedHours(now: Date, zone: string): Hours {
  const hour = Math.floor(minuteOfDay(now, zone) / 60);
  return { start: clock(hour + 11), end: clock(hour + 13), zone };
}

function contact(batch: DemoBatch, n: number, special: readonly string[] | undefined, random: Random): DemoJob {
  const ordinary = (): string => String(Math.floor(random() * 900)).padStart(3, '0');
  const digits = special ?? (random() < 0.35 ? [ordinary(), ordinary()] : [ordinary()]);
  const phones = digits.map((last, i) => inventNumber(batch.country, (n * 2 + i) % 10_000, last));
  return {
    ...ids(batch, String(n).padStart(4, '0')),
    contact: { ...inventPerson(batch.country, n, random), phones, next_phone_index: 0 },
    payload: {
      debt_amount: 20_000 + Math.floor(random() * 400) * 500,
      due_date: '2026-12-31',
      company_name: batch.account,
      reference_number: `DEMO-${n}`,
      additional_info: { cantidad_cupones: 1 + Math.floor(random() * 4) },
    },
  };
}

/** What other programs really store: a contact that is no contact, one without numbers, and two contacts that share one Argentine line. */
function odd(batch: DemoBatch, lostNumber: string): readonly DemoJob[] {
  const random = dice('demo odd');
  const shared = inventNumber('AR', 9_998, '901');
  const payload = { debt_amount: 50_000, due_date: '2026-12-31', company_name: batch.account };
  const job = (name: string, phones: readonly string[]): DemoJob => ({
    ...ids(batch, name),
    contact: { ...inventPerson('AR', 900_000 + name.length, random), phones, next_phone_index: 0 },
    payload,
  });
  return [
    job('lost', [lostNumber]),
    { ...ids(batch, 'broken'), contact: 'sin datos', payload },
    job('no-number', []),
    job('line', [shared]),
    job('same-line', [shared.replace('+549', '+54')]),
  ];
}

function ids(batch: DemoBatch, name: string): Pick<DemoJob, 'job_id' | 'batch_id' | 'account_id'> {
  return { job_id: `demo-${name}`, batch_id: batch.id, account_id: batch.account };
}
