import { fastifySSE } from '@fastify/sse';
import { SignalboxError } from '../../platform/core/errors.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import type { Live, News } from '../dashboard/live.ts';

const heartbeatMs = 15_000;
/** After so long the stream ends, and browsers open another: by then the key or the session may be none any more. */
const longestMs = 1_800_000;

/** `GET /live`: what happens, as server-sent events, until the client leaves, half an hour is over, or central stops. */
export function registerLive(app: ZodApp, live: Live): void {
  void app.register(fastifySSE, { heartbeatInterval: heartbeatMs });
  // Before it is waited for that all requests end.
  app.addHook('preClose', () => live.close());
  void app.register(async (scope) => {
    scope.get(
      '/live',
      {
        // Whatever the client says that it accepts: a refusal of the plugin's would have another shape than all others.
        sse: 'manual',
        // The plugin would never end the answer to a HEAD.
        exposeHeadRoute: false,
        schema: {
          tags: ['dashboard'],
          summary: 'What happens now, as server-sent events',
          description:
            'Events `overview` (a look at the moment, every two seconds) and `changed` (topics of which what was read before ' +
            'is no longer the newest). Comments in between keep the connection open.',
        },
      },
      async (_request, reply) => {
        const gone = new AbortController();
        reply.sse.onClose(() => gone.abort());
        const news = live.listen(AbortSignal.any([gone.signal, AbortSignal.timeout(longestMs)]));
        if (news === undefined) {
          throw new SignalboxError(
            'rate_limited',
            'too many listen already; ask for the overview now and then instead',
            {
              headers: { 'retry-after': '30' },
            },
          );
        }
        reply.sse.sendHeaders();
        await reply.sse.send(eventsOf(news));
      },
    );
  });
}

async function* eventsOf(news: AsyncIterable<News>): AsyncGenerator<{ event: string; data: unknown }> {
  for await (const { overview, topics } of news) {
    if (overview !== null) yield { event: 'overview', data: overview };
    if (topics.length > 0) yield { event: 'changed', data: { topics } };
  }
}
