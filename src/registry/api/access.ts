import type { AccessTable } from '../../platform/http/access-table.ts';

export const registryAccess: AccessTable = {
  'GET /models': ['read'],
  'GET /models/stable': ['read'],
  'GET /models/refiners': ['read'],
  'GET /models/capability/:capability': ['read'],
  'GET /models/provider/:provider': ['read'],
  'GET /models/:id': ['read'],
  'GET /providers': ['read'],
  'POST /models': ['admin'],
  'PATCH /models/:id': ['admin'],
  'DELETE /models/:id': ['admin'],
  'POST /models/:id/usage': ['admin'],
};
