import { z } from 'zod';
import { atRestart } from './marks.ts';

const serviceUrl = z.url({ protocol: /^https?$/ }).optional();

/** The page that central serves, and what it shows of the other services. */
export const dashboardSchema = z.strictObject({
  router_url: serviceUrl.describe('Where central finds the router. Default: on the same host, at its configured port.'),
  registry_url: serviceUrl.describe('The same of the registry.'),
  upgrade_url: serviceUrl.describe('The same of the upgrade service.'),
  trust_proxy: z
    .boolean()
    .default(false)
    .describe('Believe X-Forwarded-For, -Host and -Proto, on every service: only behind a proxy that sets them.')
    .meta(atRestart),
});
