import { describe, expect, it } from 'vitest';
import { createNotifier } from '../../src/telemetry/notify.js';

const environment = { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' };

describe('notices to the service manager', () => {
  it('go out one after another, a status on one line', async () => {
    const sent: (readonly string[])[] = [];
    const notifier = createNotifier({ environment, pid: 42, run: async (args) => void sent.push(args) });
    void notifier.ready('dialling\nMAINPID=1');
    void notifier.status('3 calls');
    await notifier.stopping('waiting for 3 calls');
    expect(sent).toEqual([['READY=1', 'STATUS=dialling MAINPID=1'], ['STATUS=3 calls'], ['STOPPING=1', 'STATUS=waiting for 3 calls']]);
    expect(notifier.watchdogEveryMs).toBe(30_000);
  });

  it('are not sent without a manager, and its watchdog may be for another process', async () => {
    const sent: (readonly string[])[] = [];
    const run = async (args: readonly string[]): Promise<void> => void sent.push(args);
    const alone = createNotifier({ environment: { WATCHDOG_USEC: '1000000' }, pid: 42, run });
    await alone.ready('x');
    await alone.watchdog();
    expect(sent).toEqual([]);
    expect(alone.watchdogEveryMs).toBeNull();
    expect(createNotifier({ environment, pid: 43, run }).watchdogEveryMs).toBeNull();
    expect(createNotifier({ environment: { NOTIFY_SOCKET: 'x', WATCHDOG_USEC: 'soon' }, pid: 1, run }).watchdogEveryMs).toBeNull();
  });

  it('that fail change nothing, and pings do not pile up behind a slow manager', async () => {
    let release: () => void = () => undefined;
    let runs = 0;
    const run = (): Promise<void> => {
      runs += 1;
      return new Promise((_, reject) => {
        release = () => reject(new Error('no manager'));
      });
    };
    const notifier = createNotifier({ environment, pid: 42, run });
    const first = notifier.watchdog();
    for (let ping = 0; ping < 100; ping += 1) await notifier.watchdog();
    expect(runs).toBe(1);
    release();
    await first;
    const second = notifier.watchdog();
    await Promise.resolve();
    expect(runs).toBe(2);
    release();
    await second;
  });

  it('survive a manager that is not there, or a machine without the tool', async () => {
    const notifier = createNotifier({ environment: { NOTIFY_SOCKET: '/nonexistent/socket' }, pid: 42 });
    await expect(notifier.status('hello')).resolves.toBeUndefined();
  });
});
