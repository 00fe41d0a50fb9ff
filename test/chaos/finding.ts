/** One invariant, looked at so many times, and where it did not hold. */

export interface Breach {
  readonly text: string;
  /** Whose story explains it. */
  readonly job?: string | undefined;
}

export interface Finding {
  readonly promise: string;
  readonly name: string;
  /** How many things were looked at: a check of nothing proves nothing (`emptyOf`). */
  readonly checked: number;
  /** The run had what this looks at in its schedule: to have looked at nothing is a failure, however short the run was. */
  readonly planned?: boolean;
  readonly breaches: readonly Breach[];
}

export type Checked = Pick<Finding, 'checked' | 'breaches'>;

export const groupBy = <T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
};
