/**
 * One change that many documents undergo, each with values of its own. Asked for within one tick it is one write, judged for every document
 * by itself: a statement for each costs the server two to three times as much (docs/performance.md). Safe to ask again.
 */
import { BSON, type Document } from 'mongodb';
import { idKey } from '../domain/job.js';
import type { AnyDocument, CollectionNames, Connection, StoredId } from './connection.js';
import { createTogether, Failed } from './together.js';
import { isRefusal } from './writer.js';

interface ChangePlan<Values extends object> {
  readonly collection: keyof CollectionNames;
  /** What must hold of a document, beside its `_id`, where all of a group can be asked at once. */
  where?(values: readonly Values[]): Document;
  /** The stages; `own` names what a document's own values say. A document they leave as it is was not changed. */
  readonly stages: readonly Document[];
  /** Of a document that was not changed: whether it is so because it carries these values already. A reply may have been lost. */
  readonly fields: readonly string[];
  shows(doc: AnyDocument, values: Values): boolean;
}

/** True: the document is as it was to become. False: it is not there, or something that must hold does not. */
export type Change<Values> = (id: StoredId, values: Values) => Promise<boolean>;

interface Ask<Values> {
  readonly id: StoredId;
  readonly values: Values;
}

const TICK_MS = 1;
const MOST = 200;
/** Half of the largest statement there may be. */
const MOST_BYTES = 8 * 1024 * 1024;

/** Where the pipeline keeps a document's values on their way; never stored. */
const OWN = 'speechai_change';
export const ownField = (path: string): string => `${OWN}.${path}`;
export const own = (path: string): string => `$${ownField(path)}`;

export function createChange<Values extends object>(connection: Connection, plan: ChangePlan<Values>): Change<Values> {
  const collection = connection.collection(plan.collection);
  const projection = Object.fromEntries(plan.fields.map((field) => [field, 1]));

  async function make(group: readonly Ask<Values>[]): Promise<boolean[]> {
    const ids = group.map(({ id }) => id);
    const values = group.map((ask) => ask.values);
    const alone = group.length === 1;
    const filter = { _id: alone ? ids[0] : { $in: ids }, ...plan.where?.(values) } as Document;
    const mine = { $arrayElemAt: [{ $literal: values }, alone ? 0 : { $indexOfArray: [{ $literal: ids }, '$_id'] }] };
    const update = [{ $set: { [OWN]: mine } }, ...plan.stages, { $unset: OWN }];
    // Of one the driver itself sends again what an election interrupted; a group is asked for again by whoever asked.
    const { modifiedCount } = await (alone ? collection.updateOne(filter, update) : collection.updateMany(filter, update));
    if (modifiedCount === group.length) return group.map(() => true);
    const found = await collection.find({ _id: { $in: ids } }, { projection }).toArray();
    const byId = new Map(found.map((doc) => [idKey(doc._id), doc]));
    return group.map(({ id, values: wanted }) => {
      const doc = byId.get(idKey(id));
      return doc !== undefined && plan.shows(doc, wanted);
    });
  }

  /** What the server refuses for one (a document too large) it does for the others all the same (P7). */
  async function each(group: readonly Ask<Values>[]): Promise<readonly (boolean | Failed)[]> {
    try {
      return await make(group);
    } catch (error) {
      if (group.length === 1 || !isRefusal(error)) return group.map(() => new Failed(error));
      return (await Promise.all(group.map((ask) => each([ask])))).flat();
    }
  }

  const ask = createTogether<Ask<Values>, boolean>(
    async (_, asks) => (await Promise.all(groupsOf(asks).map((group) => each(group)))).flat(),
    TICK_MS,
  );
  return (id, values) => ask(plan.collection, { id, values });
}

/** One of a document in a group, since each finds its values by its `_id`; and no more than a statement holds. */
function groupsOf<Values extends object>(asks: readonly Ask<Values>[]): Ask<Values>[][] {
  if (asks.length === 1) return [[...asks]];
  const groups: Ask<Values>[][] = [];
  let ids = new Set<string>();
  let bytes = 0;
  for (const ask of asks) {
    const key = idKey(ask.id);
    const size = BSON.calculateObjectSize(ask.values);
    const last = groups.at(-1);
    if (last === undefined || ids.has(key) || last.length === MOST || bytes + size > MOST_BYTES) {
      groups.push([ask]);
      ids = new Set([key]);
      bytes = size;
    } else {
      last.push(ask);
      ids.add(key);
      bytes += size;
    }
  }
  return groups;
}
