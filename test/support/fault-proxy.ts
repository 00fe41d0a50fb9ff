/**
 * A proxy in front of a MongoDB that understands its framing and fails on command, each time the same way. Rules say which command fails
 * how (fault-proxy-rules.ts); the rest passes untouched.
 */

import { connect, createServer } from 'node:net';
import type { AddressInfo, NetConnectOpts, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { codeName, createRule, errorDocument } from './fault-proxy-rules.js';
import type { ActiveRule, Rule, RuleOptions } from './fault-proxy-rules.js';
import { createFramer, parseCommand, parseReply, replyMessage, responseToOf } from './fault-proxy-wire.js';
import type { SeenCommand } from './fault-proxy-wire.js';

export interface FaultProxy {
  /** For the driver: one server, the proxy. */
  readonly uri: string;
  readonly port: number;
  add(options: RuleOptions): Rule;
  /** Removes all rules and lets go of what they hold. Connections that went silent stay silent. */
  clear(): void;
  /** The database is stopped: connections are reset, new ones refused. */
  stopListening(): Promise<void>;
  startListening(): Promise<void>;
  /** Resets every connection, as a network does that drops its state. */
  resetAll(): void;
  /** Commands seen by name since the start or the last reset: round trips, handshakes of the driver's monitor (`hello`) included. */
  counts(): Readonly<Record<string, number>>;
  resetCounts(): void;
  connections(): number;
  close(): Promise<void>;
}

export const startFaultProxy = async (upstreamUri: string): Promise<FaultProxy> => {
  const upstream = parseUpstream(upstreamUri);
  const rules = new Set<ActiveRule>();
  const links = new Set<Link>();
  let seen = new Map<string, number>();

  const remove = (rule: ActiveRule): void => {
    rules.delete(rule);
    rule.release();
  };
  const ruleFor = (command: SeenCommand): ActiveRule | null => {
    seen.set(command.name, (seen.get(command.name) ?? 0) + 1);
    // Every rule counts what it matches, though only the first to take a command acts: the nth means the nth for each.
    const takers = [...rules].filter((rule) => rule.takes(command));
    return takers[0] ?? null;
  };
  const server = createServer({ noDelay: true }, (client) => {
    const link = openLink(client, connect(upstream.target), ruleFor, () => void stopListening());
    links.add(link);
    client.once('close', () => links.delete(link));
  });
  const resetAll = (): void => {
    for (const link of links) link.reset();
  };
  const stopListening = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    resetAll();
    await closed;
  };
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve(portOf(server.address()));
      });
    });

  const port = await listen(0);
  return {
    uri: upstream.proxyUri(port),
    port,
    add: (options) => {
      const rule = createRule(options, remove);
      rules.add(rule);
      return rule;
    },
    clear: () => rules.forEach(remove),
    stopListening,
    startListening: async () => {
      await listen(port);
    },
    resetAll,
    counts: () => Object.fromEntries(seen),
    resetCounts: () => {
      seen = new Map();
    },
    connections: () => links.size,
    close: async () => {
      rules.forEach(remove);
      await stopListening();
    },
  };
};

interface Link {
  reset(): void;
}

/** One client connection and its own to the server. Messages pass strictly in order, as on one wire. */
const openLink = (
  client: Socket,
  server: Socket,
  ruleFor: (command: SeenCommand) => ActiveRule | null,
  stopListening: () => void,
): Link => {
  let silent = false;
  /** What is to be done with the answer to a request that a rule has hit. */
  const answers = new Map<number, ActiveRule>();
  let requests = Promise.resolve();
  let replies = Promise.resolve();

  const reset = (): void => {
    client.resetAndDestroy();
    server.destroy();
  };
  const toServer = (message: Buffer): void => {
    if (!silent && !server.destroyed) server.write(message);
  };
  const toClient = (message: Buffer): void => {
    if (!silent && !client.destroyed) client.write(message);
  };

  const onRequest = async (message: Buffer): Promise<void> => {
    if (silent) return;
    const command = parseCommand(message);
    const rule = command === null ? null : ruleFor(command);
    if (command === null || rule === null) return toServer(message);
    const { options } = rule;
    if (options.fault === 'refuse') return stopListening();
    if (options.fault === 'reset-before') return reset();
    if (isAfter(options)) {
      answers.set(command.requestId, rule);
      return toServer(message);
    }
    if (options.fault === 'silent') {
      silent = true;
      return;
    }
    if (options.fault === 'error') return toClient(replyMessage(command.requestId, errorDocument(options.code, options.labels)));
    await pause(rule);
    toServer(message);
  };

  const onReply = async (message: Buffer): Promise<void> => {
    const responseTo = responseToOf(message);
    const rule = answers.get(responseTo);
    if (rule === undefined) return toClient(message);
    answers.delete(responseTo);
    const { options } = rule;
    if (options.fault === 'reset-after') return reset();
    if (options.fault === 'silent') {
      silent = true;
      return;
    }
    if (options.fault === 'error') return toClient(replyMessage(responseTo, errorDocument(options.code, options.labels)));
    if (options.fault === 'write-concern-error') return toClient(withWriteConcernError(message, options.code));
    await pause(rule);
    toClient(message);
  };

  client.setNoDelay(true);
  client.on(
    'data',
    createFramer((message) => void (requests = requests.then(() => onRequest(message)))),
  );
  server.on(
    'data',
    createFramer((message) => void (replies = replies.then(() => onReply(message)))),
  );
  // A silent connection stays open whatever the other side does; that is what half-open means.
  client.on('close', () => server.destroy());
  server.on('close', () => {
    if (!silent) client.destroy();
  });
  client.on('error', () => undefined);
  server.on('error', () => undefined);
  return { reset };
};

const isAfter = (options: RuleOptions): boolean =>
  options.fault === 'reset-after' || options.fault === 'write-concern-error' || ('side' in options && options.side === 'after');

const pause = async ({ options, released }: ActiveRule): Promise<void> => {
  if (options.fault === 'hold') await released;
  else if (options.fault === 'delay') await Promise.race([delay(options.delayMs), released]);
};

const withWriteConcernError = (message: Buffer, code: number): Buffer => {
  const writeConcernError = { code, codeName: codeName(code), errmsg: 'the fault proxy says that the write concern was not met' };
  return replyMessage(responseToOf(message), { ...parseReply(message), writeConcernError });
};

export const portOf = (address: AddressInfo | string | null): number => {
  if (typeof address === 'object' && address !== null) return address.port;
  throw new Error('the fault proxy listens on no port');
};

/** The first host of a URI is where the commands go; credentials and options are kept, what describes a set is not. */
export const parseUpstream = (uri: string): { target: NetConnectOpts; proxyUri: (port: number) => string } => {
  const parts = /^mongodb:\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri);
  const host = decodeURIComponent(parts?.[2]?.split(',')[0] ?? '');
  if (host === '') throw new Error('the fault proxy needs a mongodb:// URI');
  const [name = '127.0.0.1', port = '27017'] = host.split(':');
  const options = new URLSearchParams(parts?.[4] ?? '');
  options.delete('replicaSet');
  options.set('directConnection', 'true');
  const credentials = parts?.[1] === undefined ? '' : `${parts[1]}@`;
  return {
    target: host.endsWith('.sock') ? { path: host } : { host: name, port: Number(port) },
    proxyUri: (own) => `mongodb://${credentials}127.0.0.1:${own}/${parts?.[3] ?? ''}?${options.toString()}`,
  };
};
