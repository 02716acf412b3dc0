import { z } from 'zod';
import { errorBodySchema } from '../../contracts/api.ts';
import { loginSchema, sessionSchema } from '../../contracts/dashboard-session.ts';
import { SignalboxError } from '../../platform/core/errors.ts';
import { tooManyFailures } from '../../platform/http/limit-failures.ts';
import { withZod, type ZodApp } from '../../platform/http/zod-app.ts';
import type { Access } from './access.ts';

const tags = ['session'];
/** Wrong keys of one address in a minute. */
const mostFailures = 10;
const windowMs = 60_000;

/** `/session`: a key once, then a cookie, so that a page need not keep the key. */
export function registerSession(app: ZodApp, access: Access): void {
  void app.register(async (plain) => {
    // As `limitFailures` does it, which every service has.
    const failuresOf = plain.createRateLimit({ max: mostFailures, timeWindow: windowMs });
    const scope = withZod(plain);
    scope.get(
      '/session',
      { schema: { tags, summary: 'Who asks, and whether a key is needed', response: { 200: sessionSchema } } },
      async (request, reply) => {
        void reply.header('cache-control', 'no-store');
        return access.session(request);
      },
    );
    scope.post(
      '/session',
      {
        schema: {
          tags,
          summary: 'Log in with a key; the answer sets a cookie that holds for twelve hours',
          body: loginSchema,
          response: {
            200: sessionSchema,
            400: errorBodySchema,
            401: errorBodySchema,
            403: errorBodySchema,
            409: errorBodySchema,
            429: errorBodySchema,
          },
        },
      },
      async (request, reply) => {
        access.refuseForeignSites(request);
        const known = await failuresOf(request, { increment: false });
        if (!known.isAllowed && known.remaining === 0) throw tooManyFailures(known.ttlInSeconds);
        const role = access.roleOfKey(request.body.key);
        if (role === null) {
          await failuresOf(request);
          throw new SignalboxError('unauthorized', 'this is neither the master key nor the read-only key');
        }
        const { cookie, session } = access.open(role, request);
        void reply.headers({ 'set-cookie': cookie, 'cache-control': 'no-store' });
        return session;
      },
    );
    scope.delete(
      '/session',
      {
        schema: { tags, summary: 'Log out', response: { 204: z.null(), 403: errorBodySchema, 409: errorBodySchema } },
      },
      async (request, reply) => {
        access.refuseForeignSites(request);
        return reply.header('set-cookie', access.close(request)).status(204).send(null);
      },
    );
  });
}
