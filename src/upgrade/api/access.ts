import { upgradeActionSchema } from '../../contracts/upgrade-api.ts';
import type { AccessTable } from '../../platform/http/access-table.ts';

export const upgradeAccess: AccessTable = {
  'GET /candidates': ['read'],
  'GET /evaluations': ['read'],
  'GET /rollouts/:id': ['read'],
  'GET /rollouts/:id/log': ['read'],
  'GET /incidents': ['read'],
  'GET /status': ['read'],
  'POST /discover': ['admin'],
  'POST /start': ['admin'],
  'POST /stop': ['admin'],
  'POST /incidents/:id/close': ['admin'],
  'POST /refiners/sweep': ['admin'],
  ...Object.fromEntries(
    upgradeActionSchema.options.map((action) => [`POST /candidates/:id/${action}`, ['admin']] as const),
  ),
};
