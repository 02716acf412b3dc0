import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../support/app.ts';

const masterKey = 'sb-master-key-57aff';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({
    config: {
      master_key: masterKey,
      authentication: { failures_per_minute: 5, all_failures_per_minute: 12 },
      dashboard: { trust_proxy: true },
    },
  });
});
afterAll(() => app.stop());

describe.each(['registry', 'upgrade', 'central', 'router'] as const)('wrong keys on %s', (service) => {
  it('are refused unheard where there are too many, and no good key with them', async () => {
    const ask = async (key: string | null, address: string) => {
      const response = await fetch(`${app.url(service)}/config`, {
        headers: { 'x-forwarded-for': address, ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
      });
      return [response.status, response.headers.get('retry-after')] as const;
    };
    const five = async (address: string) => {
      const statuses = [];
      for (let tries = 0; tries < 5; tries += 1) statuses.push((await ask(`wrong-${tries}`, address))[0]);
      return statuses;
    };
    const soon = expect.stringMatching(/^([1-9]|[1-5]\d|60)$/) as string;
    expect(await five('203.0.113.7')).toEqual([401, 401, 401, 401, 401]);
    expect(await ask('sk-sb-wrong', '203.0.113.7')).toEqual([429, soon]);
    expect(await ask(masterKey, '203.0.113.7')).toEqual([200, null]);
    expect(await ask(null, '203.0.113.7')).toEqual([401, null]);
    // One subscriber has a whole /64 of IPv6.
    expect(await five('2001:db8:1:2::1')).toEqual([401, 401, 401, 401, 401]);
    expect(await ask('wrong', '2001:db8:1:2:ffff::9')).toEqual([429, soon]);
    // Thirteen in all, wherever from.
    expect(await ask('wrong', '2001:db8:1:3::1')).toEqual([429, soon]);
    expect(await ask(masterKey, '2001:db8:1:3::1')).toEqual([200, null]);
    // A refusal for something else is none of the key's.
    const authorization = `Bearer ${masterKey}`;
    const compressed = { headers: { authorization, 'content-encoding': 'gzip' } };
    expect((await fetch(`${app.url(service)}/config`, compressed)).status).toBe(415);
    const metrics = await (await fetch(`${app.url(service)}/metrics`, { headers: { authorization } })).text();
    const counted = (reason: string) =>
      metrics.match(
        new RegExp(`authentication_failures_total\\{service="${service}",reason="${reason}"\\} (\\d+)`),
      )?.[1];
    expect([counted('wrong_key'), counted('limited'), counted('no_key')]).toEqual(['10', '3', '1']);
    expect(counted('forbidden')).toBeUndefined();
  });
});
