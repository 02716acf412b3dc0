import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Role } from '../../../src/contracts/dashboard-session.ts';

export const RoleContext = createContext<Role>('read');

/** Why somebody may not act; undefined where they may. */
export function useRefusal(): string | undefined {
  return useContext(RoleContext) === 'admin' ? undefined : 'This needs the master key: you are logged in to read only.';
}
