import { existsSync } from 'node:fs';
import path from 'node:path';
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
  void app.register(fastifyStatic, {
    root,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    // Only of what is there: that a file is missing may change, where another version of the page is served beside this one.
    setHeaders(reply, file) {
      const isAsset = file.startsWith(path.join(root, 'assets'));
      void reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.get('/', { schema }, async (_request, reply) => reply.sendFile('index.html'));
  app.get('/assets/*', { schema: { ...schema, params: z.object({ '*': z.string() }) } }, async ({ params }, reply) =>
    reply.sendFile(`assets/${params['*']}`),
  );
}
