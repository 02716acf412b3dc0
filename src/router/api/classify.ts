import { z } from 'zod';
import { classificationSchema } from '../../contracts/query-class.ts';
import type { ZodApp } from '../../platform/http/zod-app.ts';
import { classify } from '../classify/classify.ts';
import { promptFromText } from '../classify/prompt.ts';

const querySchema = z.object({
  query: z.string().min(1).max(1_000_000),
  has_images: z.stringbool().optional(),
});
const bodySchema = z.object({ query: z.string().min(1).max(1_000_000), has_images: z.boolean().optional() });

export function registerClassify(app: ZodApp): void {
  const run = ({ query, has_images: hasImages }: z.infer<typeof bodySchema>) =>
    classify(promptFromText(query, hasImages === true ? 1 : 0));
  const schema = {
    tags: ['routing'],
    summary: 'Query type and complexity of a text',
    response: { 200: classificationSchema },
  };

  app.get('/classify', { schema: { ...schema, querystring: querySchema } }, async (request) => run(request.query));
  app.post('/classify', { schema: { ...schema, body: bodySchema } }, async (request) => run(request.body));
}
