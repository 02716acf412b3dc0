import type { Author } from '../../src/contracts/audit.ts';

/** Whoever has the master key. */
export const operator: Author = {
  credential: 'master',
  key_id: null,
  key_name: null,
  told_name: 'ada',
  address: '127.0.0.1',
};
