/**
 * One engine that stands alone, presented as a replica set of two members that change roles. Each member is a listener that speaks for the
 * engine (fault-proxy-set-member.ts) with a fault proxy in front of it, so that a set can lose replies and break connections as well. The
 * driver's own discovery, monitoring and retries run against it. What it cannot be: a server whose members hold different data. No write
 * is ever rolled back here, no secondary lags, there are no change streams and no transactions.
 */

import { createServer } from 'node:net';
import type { NetConnectOpts, Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { BSON } from 'mongodb';
import { parseUpstream, portOf, startFaultProxy } from './fault-proxy.js';
import type { FaultProxy } from './fault-proxy.js';
import type { Rule, RuleOptions } from './fault-proxy-rules.js';
import { openMemberLink } from './fault-proxy-set-member.js';
import type { Member } from './fault-proxy-set-member.js';
import { createWriteMemory } from './fault-proxy-set-memory.js';
import type { WriteMemory } from './fault-proxy-set-memory.js';

export interface Election {
  /** How the primary goes: it steps down and says so, it also cuts its connections, or it is gone until the other one has taken over. */
  readonly how: 'step-down' | 'cut' | 'crash';
  /** So long, or until then, the old primary still does writes that it will not be able to confirm. */
  readonly unconfirmed?: number | Promise<unknown>;
  /** So long there is no primary. */
  readonly withoutPrimaryMs?: number;
}

export interface FaultProxySet {
  /** For the driver: both members, and the set's name. */
  readonly uri: string;
  readonly members: readonly [FaultProxy, FaultProxy];
  /** Index of the primary; null during an election. */
  primary(): number | null;
  /** Resolves when the other member is primary; false: an election was under way already. */
  elect(election: Election): Promise<boolean>;
  /** Tells every monitor how things are. Due after an injected error that speaks of a change which did not happen: a driver waits to be told. */
  announce(): void;
  /** Answers given again to a driver that had not got them. */
  repeatedAnswers(): number;
  /** One rule for each member. */
  add(options: RuleOptions): Rule[];
  clear(): void;
  stopListening(): Promise<void>;
  startListening(): Promise<void>;
  resetAll(): void;
  close(): Promise<void>;
}

const SET_NAME = 'rs0';
const SESSION_MINUTES = 30;
const UNCONFIRMED_MS = 20;
const WITHOUT_PRIMARY_MS = 300;

export const startFaultProxySet = async (upstreamUri: string): Promise<FaultProxySet> => {
  const { target } = parseUpstream(upstreamUri);
  const memory = createWriteMemory();
  const closing = new AbortController();
  const roles = [await startMember(target, memory), await startMember(target, memory)] as const;
  const members = [await startFaultProxy(roles[0].uri), await startFaultProxy(roles[1].uri)] as const;
  const hosts = members.map(({ port }) => `127.0.0.1:${port}`);
  let primary: number | null = null;
  let terms = 0;
  let electing = false;

  const announce = (): void => {
    for (const [index, role] of roles.entries()) {
      role.become({ primary: index === primary, me: hosts[index], hosts, primaryHost: hosts[primary ?? -1], term: terms });
    }
  };
  const install = (index: number): void => {
    primary = index;
    terms += 1;
    announce();
  };
  install(0);

  const elect = async ({ how, unconfirmed = UNCONFIRMED_MS, withoutPrimaryMs = WITHOUT_PRIMARY_MS }: Election): Promise<boolean> => {
    if (electing || primary === null) return false;
    electing = true;
    const old = primary;
    const wait = (ms: number): Promise<unknown> => delay(ms, undefined, { signal: closing.signal }).catch(() => undefined);
    roles[old]?.stepDown();
    await (typeof unconfirmed === 'number' ? wait(unconfirmed) : unconfirmed.catch(() => undefined));
    primary = null;
    announce();
    if (how !== 'step-down') roles[old]?.cutAll();
    roles[old]?.setDown(how === 'crash');
    await wait(withoutPrimaryMs);
    install(1 - old);
    roles[old]?.setDown(false);
    electing = false;
    return true;
  };

  const both = async (act: (member: FaultProxy) => Promise<void>): Promise<void> => void (await Promise.all(members.map(act)));
  return {
    uri: `mongodb://${hosts.join(',')}/?replicaSet=${SET_NAME}`,
    members,
    primary: () => primary,
    elect,
    announce,
    repeatedAnswers: () => memory.repeated(),
    add: (options) => members.map((member) => member.add(options)),
    clear: () => members.forEach((member) => member.clear()),
    stopListening: () => both((member) => member.stopListening()),
    startListening: () => both((member) => member.startListening()),
    resetAll: () => members.forEach((member) => member.resetAll()),
    close: async () => {
      closing.abort();
      await both((member) => member.close());
      await Promise.all(roles.map((role) => role.close()));
    },
  };
};

interface Role {
  readonly primary: boolean;
  readonly me: string | undefined;
  readonly hosts: readonly string[];
  readonly primaryHost: string | undefined;
  readonly term: number;
}

interface MemberServer {
  readonly uri: string;
  become(role: Role): void;
  /** From now on nothing that it writes is confirmed, until it has its next role. */
  stepDown(): void;
  cutAll(): void;
  /** A member that is down takes no connection. */
  setDown(down: boolean): void;
  close(): Promise<void>;
}

const startMember = async (target: NetConnectOpts, memory: WriteMemory): Promise<MemberServer> => {
  const processId = new BSON.ObjectId();
  const links = new Set<() => void>();
  const listeners = new Set<() => void>();
  let role: Role = { primary: false, me: undefined, hosts: [], primaryHost: undefined, term: 0 };
  let counter = 0;
  let term = 0;
  let down = false;
  let steppingDown: { readonly over: Promise<void>; end(): void } | null = null;

  const topologyVersion: Member['topologyVersion'] = () => ({ processId, counter: BSON.Long.fromNumber(counter) });
  const member: Member = {
    memory,
    isPrimary: () => role.primary,
    term: () => term,
    steady: () => steppingDown?.over ?? Promise.resolve(),
    topologyVersion,
    hello: () => ({
      isWritablePrimary: role.primary,
      ismaster: role.primary,
      secondary: !role.primary,
      setName: SET_NAME,
      setVersion: 1,
      hosts: [...role.hosts],
      me: role.me,
      ...(role.primaryHost === undefined ? {} : { primary: role.primaryHost }),
      ...(role.primary ? { electionId: electionIdOf(role.term) } : {}),
      logicalSessionTimeoutMinutes: SESSION_MINUTES,
      topologyVersion: topologyVersion(),
    }),
    changed: (withinMs) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          listeners.delete(end);
          resolve();
        };
        const timer = setTimeout(end, withinMs);
        listeners.add(end);
      }),
  };

  const server = createServer({ noDelay: true }, (client: Socket) => {
    if (down) {
      client.resetAndDestroy();
      return;
    }
    const cut = openMemberLink(client, target, member);
    links.add(cut);
    client.once('close', () => links.delete(cut));
  });
  const port = await listen(server);
  const tellAll = (): void => [...listeners].forEach((tell) => tell());
  const cutAll = (): void => [...links].forEach((cut) => cut());
  return {
    uri: `mongodb://127.0.0.1:${port}/`,
    become: (next) => {
      if (next.primary !== role.primary) term += 1;
      role = next;
      counter += 1;
      steppingDown?.end();
      steppingDown = null;
      tellAll();
    },
    stepDown: () => {
      let end: () => void = () => undefined;
      const over = new Promise<void>((resolve) => (end = resolve));
      steppingDown = { over, end };
    },
    cutAll,
    setDown: (isDown) => {
      down = isDown;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      cutAll();
      tellAll();
      await closed;
    },
  };
};

/** Grows with every election, which is how drivers tell a new primary from one that has not yet heard of its successor. */
const electionIdOf = (term: number): BSON.ObjectId => new BSON.ObjectId(`7fffffff${term.toString(16).padStart(16, '0')}`);

const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(portOf(server.address())));
  });
