import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { parseCookie, stringifySetCookie } from 'cookie';
import { type Role, roleSchema } from '../../contracts/dashboard-session.ts';

export interface SessionClaim {
  role: Role;
  expiresAtMs: number;
}

/** Sessions of browsers, held by nobody but the browser: a signed cookie that every central with the same keys understands. */
export interface SessionCookie {
  /** The header `Set-Cookie` of a new session. `isSecure`: the browser came over https. */
  issue(claim: SessionClaim, nowMs: number, isSecure: boolean): string;
  /** The header `Set-Cookie` that ends a session. */
  clear(isSecure: boolean): string;
  /** Who asks; null where the header `Cookie` holds no session that is valid at this time. */
  read(cookieHeader: string | undefined, nowMs: number): SessionClaim | null;
}

const cookieName = 'signalbox_session';

/** Sessions of a role end when the key that opened them is another. */
export function createSessionCookie(keys: { masterKey: string; readKey: string | undefined }): SessionCookie {
  const secrets: Readonly<Record<Role, Buffer | null>> = {
    admin: secretOf(keys.masterKey, ''),
    read: keys.readKey === undefined ? null : secretOf(keys.masterKey, keys.readKey),
  };

  function write(value: string, isSecure: boolean, maxAgeSeconds: number): string {
    return stringifySetCookie({
      name: cookieName,
      value,
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: isSecure,
      maxAge: maxAgeSeconds,
    });
  }

  return {
    issue({ role, expiresAtMs }, nowMs, isSecure) {
      const secret = secrets[role];
      if (secret === null) throw new Error(`no key opens sessions of the role ${role}`);
      const claim = `${role}.${expiresAtMs}`;
      return write(
        `${claim}.${signatureOf(claim, secret)}`,
        isSecure,
        Math.max(0, Math.floor((expiresAtMs - nowMs) / 1000)),
      );
    },
    clear: (isSecure) => write('', isSecure, 0),
    read(cookieHeader, nowMs) {
      if (cookieHeader === undefined) return null;
      const [name, expiry = '', signature = ''] = parseCookie(cookieHeader)[cookieName]?.split('.') ?? [];
      const role = roleSchema.safeParse(name).data;
      const secret = role === undefined ? null : secrets[role];
      if (role === undefined || secret === null) return null;
      const isGenuine = areEqual(signature, signatureOf(`${role}.${expiry}`, secret));
      const expiresAtMs = Number(expiry);
      return isGenuine && expiresAtMs > nowMs ? { role, expiresAtMs } : null;
    },
  };
}

/** The keys themselves sign nothing, so that what is signed helps nobody who wants to guess them elsewhere. */
function secretOf(masterKey: string, readKey: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, readKey, 'signalbox dashboard session', 32));
}

function signatureOf(claim: string, secret: Buffer): string {
  return createHmac('sha256', secret).update(claim).digest('base64url');
}

/** In time that does not depend on where they differ. */
function areEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
