/** One telephone, however many jobs and spellings: never two live calls to it (P4). */

import { expect, it } from 'vitest';
import type { LedgerEntry } from '../../src/simulator/ledger.js';
import { phoneThat, withWorld } from '../support/world.js';

/** The most calls of this group that were live at one moment. */
const mostAtOnce = (ledger: readonly LedgerEntry[], group: ReadonlySet<string>): number => {
  let live = 0;
  let most = 0;
  for (const entry of ledger) {
    if (!group.has(entry.to ?? '')) continue;
    if (entry.event === 'dial') live += 1;
    if (entry.event === 'transition' && entry.live === false) live -= 1;
    most = Math.max(most, live);
  }
  return most;
};

it('P4: jobs with one number, in both spellings of Argentina, are called one after the other by two daemons', { timeout: 90_000 }, () =>
  withWorld('one number', { simulator: { speed: 300 } }, async (world) => {
    await world.account({ country: 'AR' });
    await world.batch();
    const mobile = '+5491144556900';
    const landline = '+541144556900';
    const chile = phoneThat('901');
    const person = { contact: { name: 'Rosalba Antilef', dni: '9.876.543-2', phones: [phoneThat('900')], next_phone_index: 0 } };
    const samePerson = { contact: { ...person.contact, phones: [phoneThat('902')] } };
    world.secret('Rosalba Antilef');
    await world.jobs([
      ...Array.from({ length: 6 }, (_, n) => ({ phones: [n % 2 === 0 ? mobile : landline] })),
      ...Array.from({ length: 4 }, () => ({ phones: [chile] })),
      ...[person, samePerson, person, samePerson].map((fields) => ({ fields })),
    ]);
    await Promise.all([world.daemon(), world.daemon()]);
    const { jobs } = await world.quiet(true, 50_000);

    expect(jobs.filter((job) => job['status'] !== 'done')).toEqual([]);
    const ledger = world.simulator.ledger();
    expect(mostAtOnce(ledger, new Set([mobile, landline]))).toBe(1);
    expect(mostAtOnce(ledger, new Set([chile]))).toBe(1);
    expect(mostAtOnce(ledger, new Set([...person.contact.phones, ...samePerson.contact.phones]))).toBe(1);
    // Not one at a time for everybody: other lines went on meanwhile.
    expect(mostAtOnce(ledger, new Set(ledger.flatMap((entry) => entry.to ?? [])))).toBeGreaterThan(1);
    expect(world.dials()).toHaveLength(14);
    expect(await world.books()).toEqual([]);
  }),
);
