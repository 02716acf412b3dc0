import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import { z } from 'zod';
import type { ZodApp } from '../../platform/http/zod-app.ts';

/** Where the build puts the page; it lies there from `src/` and from `dist/`. */
const builtPage = fileURLToPath(new URL('../../../dist/web', import.meta.url));

const notBuilt = 'The dashboard was not built. From a checkout: npm run build:web, then start again.\n';

/**
 * The dashboard at `/`, which is open to all, for it holds nothing but code. Files under `/assets` have the hash of their
 * content in their names, so browsers keep them for ever.
 */
export function registerPage(app: ZodApp, root: string = builtPage): void {
  const schema = { hide: true };
  if (!existsSync(`${root}/index.html`)) {
    app.get('/', { schema }, async (_request, reply) => reply.type('text/plain; charset=utf-8').send(notBuilt));
    return;
  }
  void app.register(fastifyStatic, { root, serve: false, preCompressed: true, cacheControl: false });
  app.get('/', { schema }, async (_request, reply) => reply.header('cache-control', 'no-cache').sendFile('index.html'));
  app.get('/assets/*', { schema: { ...schema, params: z.object({ '*': z.string() }) } }, async ({ params }, reply) =>
    reply.header('cache-control', 'public, max-age=31536000, immutable').sendFile(`assets/${params['*']}`),
  );
}
