import type { AccessTable } from '../../platform/http/access-table.ts';

/** What the owner of a key needs to have questions answered. */
export const routerAccess: AccessTable = {
  'POST /v1/chat/completions': ['call'],
  'POST /v1/responses': ['call'],
  'POST /v1/embeddings': ['call'],
  'POST /v1/messages': ['call'],
  'POST /v1/messages/count_tokens': ['call'],
  'POST /v1/images/generations': ['call'],
  'POST /v1/images/edits': ['call'],
  'POST /v1/images/variations': ['call'],
  'POST /v1/audio/speech': ['call'],
  'POST /v1/audio/transcriptions': ['call'],
  'POST /v1/audio/translations': ['call'],
  'POST /v1/moderations': ['call'],
  'GET /v1/models': ['call', 'read'],
  'GET /v1/models/:id': ['call', 'read'],
  'POST /route': ['call'],
  'POST /route/refinement': ['call'],
  'GET /classify': ['call', 'read'],
  'POST /classify': ['call'],
  'POST /feedback': ['call'],
  'POST /race': ['call'],
};
