import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Role, Session } from '../../contracts/dashboard-session.ts';
import type { Config } from '../../platform/config/load.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { derive, type Live } from '../../platform/core/live.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { createKeyCheck, presentedKey } from '../../platform/security/master-key.ts';
import { createSessionCookie } from './session-cookie.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Changes nothing that matters, so that who may only look may ask it too. */
    readersMay?: boolean;
  }
}

/** Who may ask central what: by the master key, the read-only key, or a session that one of them opened. */
export interface Access {
  /** Lets the request in. Throws `unauthorized`, or `forbidden` for what the role may not, and for other sites' pages. */
  authenticate(request: FastifyRequest): void;
  session(request: FastifyRequest): Session;
  /** The role that a key opens; null for a wrong one. */
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
export function createAccess(config: Live<Keys>, clock: Clock): Access {
  const access = derive(config, (keys) => accessWith(keys, clock));
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
): Access {
  if (masterKey === undefined) return openAccess();
  const isMasterKey = createKeyCheck([masterKey, ...previous]);
  const isReadKey = readKey === undefined ? () => false : createKeyCheck([readKey]);
  const cookie = createSessionCookie({ masterKey, readKey });

  function roleOfHeaders(headers: FastifyRequest['headers']): Role | null {
    if (isMasterKey(headers)) return 'admin';
    return isReadKey(headers) ? 'read' : null;
  }

  function session(request: FastifyRequest): Session {
    const hasKey = presentedKey(request.headers) !== undefined;
    const claim = hasKey ? null : cookie.read(request.headers.cookie, clock.nowMs());
    return {
      key_required: true,
      role: hasKey ? roleOfHeaders(request.headers) : (claim?.role ?? null),
      expires_at: claim === null ? null : new Date(claim.expiresAtMs).toISOString(),
    };
  }

  return {
    authenticate(request) {
      const { role } = session(request);
      if (role === null) {
        throw new SignalboxError('unauthorized', 'a valid key is required: Authorization: Bearer KEY, or a session');
      }
      if (safeMethods.has(request.method)) return;
      // A browser sends cookies by itself, whoever's page asks; a key it is given by whoever asks.
      if (presentedKey(request.headers) === undefined && !isOwnPage(request)) throw foreignSite();
      if (role === 'read' && request.routeOptions.config.readersMay !== true) {
        throw new SignalboxError('forbidden', 'the read-only key does not allow this; the master key does');
      }
    },
    session,
    roleOfKey: (key) => roleOfHeaders({ authorization: `Bearer ${key}` }),
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

/** Without a master key everybody on this machine may do all, but no page of another site that a browser here shows. */
function openAccess(): Access {
  const session: Session = { key_required: false, role: 'admin', expires_at: null };
  return {
    authenticate(request) {
      if (safeMethods.has(request.method)) return;
      refuseForeignSites(request);
      // Another site's name may lead here (DNS rebinding): then its page is taken for ours.
      if (isByBrowser(request) && !isLocal(request.hostname)) throw foreignSite();
    },
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

function refuseForeignSites(request: FastifyRequest): void {
  if (isByBrowser(request) && !isOwnPage(request)) throw foreignSite();
}

function isByBrowser({ headers }: FastifyRequest): boolean {
  return headers['sec-fetch-site'] !== undefined || headers.origin !== undefined;
}

function isLocal(hostname: string): boolean {
  return hostname === 'localhost' || isIP(hostname.replace(/^\[(.*)\]$/, '$1')) !== 0;
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
