import { describe, expect, test } from 'vitest';
import { canTransition, isFinal, isJobStatus, JOB_STATUSES, statusesBefore } from '../../src/domain/transitions.js';

describe('the table of transitions', () => {
  test.each([
    ['pending', 'in_progress', true],
    ['scheduled', 'in_progress', true],
    ['in_progress', 'in_progress', true],
    ['in_progress', 'pending', true],
    ['suspended', 'pending', true],
    ['failed', 'pending', true],
    ['failed', 'in_progress', false],
    ['suspended', 'in_progress', false],
    ['cancelled', 'in_progress', false],
    ['done', 'in_progress', false],
    ['done', 'failed', false],
    ['cancelled', 'done', false],
    ['retry', 'in_progress', false],
    ['in_progress', 'archived', false],
    ['constructor', 'pending', false],
  ])('%s -> %s: %s', (from, to, allowed) => {
    expect(canTransition(from, to)).toBe(allowed);
  });

  test('P4: only waiting work is ever taken', () => {
    expect(statusesBefore('in_progress')).toEqual(['pending', 'scheduled', 'in_progress']);
  });

  test('P2: every status that is not final leads on, and to an end', () => {
    const unfinished = JOB_STATUSES.filter((status) => !isFinal(status));
    expect(unfinished).toEqual(['pending', 'scheduled', 'in_progress', 'suspended']);
    for (const from of unfinished) expect(JOB_STATUSES.some((to) => isFinal(to) && canTransition(from, to))).toBe(true);
  });

  test('statuses of other programs are not ours', () => {
    expect(['retry', 'waiting', ''].some(isJobStatus)).toBe(false);
  });
});
