import type { FastifyRequest } from 'fastify';
import type { Role, Session } from '../../contracts/dashboard-session.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { derive, type Live } from '../../platform/core/live.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { createKeyCheck, presentedKey } from '../../platform/security/master-key.ts';
import {
  anybody,
  type FindKey,
  masterKeyHolder,
  noKeys,
  type Principal,
  readKeyHolder,
} from '../../platform/security/principal.ts';
import { createSessionCookie } from './session-cookie.ts';

/** Who asks central: by the master key, the read-only key, a virtual key, or a session that one of the first two opened. */
export interface Access {
  /** Throws `unauthorized`, or `forbidden` for the pages of other sites that would change something. */
  authenticate(request: FastifyRequest): Principal;
  session(request: FastifyRequest): Session;
  /** The role of the sessions that a key opens; null for a wrong one, and for virtual keys, which open none. */
  roleOfKey(key: string): Role | null;
  /** The `Set-Cookie` of a new session, with what it is. */
  open(role: Role, request: FastifyRequest): { cookie: string; session: Session };
  /** The `Set-Cookie` that ends the session. */
  close(request: FastifyRequest): string;
  /** Throws `forbidden` where the page of another site asks. */
  refuseForeignSites(request: FastifyRequest): void;
}

const sessionMs = 12 * 3_600_000;
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

type Keys = Pick<Config, 'master_key' | 'previous_master_keys' | 'read_key'>;

/** By the keys of now: sessions that others have opened end. */
export function createAccess(config: Live<Keys>, clock: Clock, findKey: FindKey = noKeys): Access {
  const access = derive(config, (keys) => accessWith(keys, clock, findKey));
  return {
    authenticate: (request) => access().authenticate(request),
    session: (request) => access().session(request),
    roleOfKey: (key) => access().roleOfKey(key),
    open: (role, request) => access().open(role, request),
    close: (request) => access().close(request),
    refuseForeignSites,
  };
}

function accessWith(
  { master_key: masterKey, previous_master_keys: previous, read_key: readKey }: Keys,
  clock: Clock,
  findKey: FindKey,
): Access {
  if (masterKey === undefined) return openAccess();
  const isMasterKey = createKeyCheck([masterKey, ...previous]);
  const isReadKey = readKey === undefined ? () => false : createKeyCheck([readKey]);
  const cookie = createSessionCookie({ masterKey, readKey });

  function holderOf(headers: FastifyRequest['headers']): Principal | null {
    if (isMasterKey(headers)) return masterKeyHolder;
    if (isReadKey(headers)) return readKeyHolder;
    return findKey(presentedKey(headers) ?? '') ?? null;
  }

  /** A session is as the key that opened it. */
  function whoAsks(request: FastifyRequest): { holder: Principal | null; expiresAtMs: number | null } {
    if (presentedKey(request.headers) !== undefined) return { holder: holderOf(request.headers), expiresAtMs: null };
    const claim = cookie.read(request.headers.cookie, clock.nowMs());
    if (claim === null) return { holder: null, expiresAtMs: null };
    return { holder: claim.role === 'admin' ? masterKeyHolder : readKeyHolder, expiresAtMs: claim.expiresAtMs };
  }

  function session(request: FastifyRequest): Session {
    const { holder, expiresAtMs } = whoAsks(request);
    return {
      key_required: true,
      role: roleOf(holder),
      expires_at: expiresAtMs === null ? null : new Date(expiresAtMs).toISOString(),
    };
  }

  return {
    authenticate(request) {
      const { holder } = whoAsks(request);
      if (holder === null) {
        throw new SignalboxError('unauthorized', 'a valid key is required: Authorization: Bearer KEY, or a session');
      }
      if (safeMethods.has(request.method)) return holder;
      // A browser sends cookies by itself, whoever's page asks; a key it is given by whoever asks.
      if (presentedKey(request.headers) === undefined && !isOwnPage(request)) throw foreignSite();
      return holder;
    },
    session,
    roleOfKey(key) {
      const headers = { authorization: `Bearer ${key}` };
      if (isMasterKey(headers)) return 'admin';
      return isReadKey(headers) ? 'read' : null;
    },
    open(role, request) {
      const nowMs = clock.nowMs();
      const expiresAtMs = nowMs + sessionMs;
      return {
        cookie: cookie.issue({ role, expiresAtMs }, nowMs, request.protocol === 'https'),
        session: { key_required: true, role, expires_at: new Date(expiresAtMs).toISOString() },
      };
    },
    close: (request) => cookie.clear(request.protocol === 'https'),
    refuseForeignSites,
  };
}

/** Without a master key everybody on this machine may do all; `platform/http/strange-pages.ts` keeps other sites out. */
function openAccess(): Access {
  const session: Session = { key_required: false, role: 'admin', expires_at: null };
  return {
    authenticate: () => anybody,
    session: () => session,
    roleOfKey: () => 'admin',
    open: () => {
      throw new SignalboxError('conflict', 'no key is needed here');
    },
    close: () => {
      throw new SignalboxError('conflict', 'no key is needed here');
    },
    refuseForeignSites,
  };
}

function roleOf(holder: Principal | null): Role | null {
  if (holder?.scope === 'admin') return 'admin';
  return holder?.scope === 'read' ? 'read' : null;
}

function refuseForeignSites(request: FastifyRequest): void {
  const { headers } = request;
  const isByBrowser = headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
  if (isByBrowser && !isOwnPage(request)) throw foreignSite();
}

/** Whether a browser says that the page which asks is one of ours. Older ones only say where it came from. */
function isOwnPage({ headers, host }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin !== undefined && URL.canParse(headers.origin) && new URL(headers.origin).host === host;
}

function foreignSite(): SignalboxError {
  return new SignalboxError(
    'forbidden',
    'the page of another site may not do this; from elsewhere, send a key instead',
  );
}
