import { afterEach, expect, it } from 'vitest';
import { createAlerts } from '../../src/runner/alerts.js';
import { createClock } from '../../src/telemetry/clock.js';
import { startHttp, type HttpServer } from '../support/http.js';
import { logTo, type Said } from './support.js';

let webhook: HttpServer;
afterEach(() => webhook.close());

it('an alert says what happened, why and what to do; other fields stay in the log; one matter is sent once', async () => {
  webhook = await startHttp((_, reply) => void reply.end());
  const said: Said[] = [];
  const alert = createAlerts({
    webhookUrl: webhook.url,
    policy: { tries: 1, delayMs: 1, factor: 1, maxDelayMs: 1, jitter: 0 },
    runner: 'r1',
    clock: createClock(),
    random: () => 0,
    log: logTo(said),
    abandon: new AbortController().signal,
  });
  const fields = { about: 'http_401', cause: 'http_401', remedy: 'check RETELL_API_KEY', job_id: 'j', number: '+56911112222' };
  alert('DIALLING_STOPPED', 'dialling stopped', fields);
  alert('DIALLING_STOPPED', 'dialling stopped', fields);
  alert('DIALLING_STOPPED', 'dialling stopped', { ...fields, about: 'http_402', cause: 'http_402' });
  await webhook.arrived(2);
  const bodies = webhook.received.map(({ body }) => JSON.parse(body) as { cause: string });
  expect(bodies.find(({ cause }) => cause === 'http_401')).toMatchObject({
    code: 'DIALLING_STOPPED',
    remedy: 'check RETELL_API_KEY',
    job: 'j',
    runner: 'r1',
  });
  expect(JSON.stringify(bodies)).not.toContain('911112222');
  expect(said).toHaveLength(3);
});
