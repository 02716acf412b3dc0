import type { IncomingHttpHeaders } from 'node:http';
import type { KeyScope } from '../../contracts/keys.ts';
import type { Config } from '../config/load.ts';
import { SignalboxError } from '../core/errors.ts';
import type { Live } from '../core/live.ts';
import type { ActiveKey } from '../store/virtual-keys.ts';
import { createMasterKeyCheck, presentedKey } from './master-key.ts';

/** Who asks, as far as the key tells. Holds no secret. */
export interface Principal {
  /** The master key, the read-only key or a virtual key; `none`: no key is needed, since there is no master key. */
  readonly credential: 'none' | 'master' | 'read' | 'key';
  readonly scope: KeyScope;
  /** Of a virtual key. */
  readonly keyId: string | null;
  readonly keyName: string | null;
}

/** Who has a virtual key that opens this service; undefined where the text is none. */
export type FindKey = (presented: string) => Principal | undefined;

/** Without a directory of virtual keys none is known. */
export const noKeys: FindKey = () => undefined;

const withoutKey = { keyId: null, keyName: null } as const;
export const anybody: Principal = Object.freeze({ credential: 'none', scope: 'admin', ...withoutKey });
export const masterKeyHolder: Principal = Object.freeze({ credential: 'master', scope: 'admin', ...withoutKey });
export const readKeyHolder: Principal = Object.freeze({ credential: 'read', scope: 'read', ...withoutKey });

export function toPrincipal({ scope, keyId, name }: ActiveKey): Principal {
  return Object.freeze({ credential: 'key', scope, keyId, keyName: name });
}

/**
 * Knows callers by the master key, where there is one, and by the virtual keys that `findKey` knows.
 *
 * The function that it returns throws SignalboxError `unauthorized` without a valid key.
 */
export function authenticateByKey(
  config: Live<Pick<Config, 'master_key' | 'previous_master_keys'>>,
  findKey: FindKey = noKeys,
): (request: { headers: IncomingHttpHeaders }) => Principal {
  const isMaster = createMasterKeyCheck(config);
  return ({ headers }) => {
    const verdict = isMaster(headers);
    if (verdict !== false) return verdict === null ? anybody : masterKeyHolder;
    const holder = findKey(presentedKey(headers) ?? '');
    if (holder === undefined) {
      throw new SignalboxError('unauthorized', 'a valid key is required: Authorization: Bearer KEY');
    }
    return holder;
  };
}
