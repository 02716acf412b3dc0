import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { costsSchema } from '../../contracts/model.ts';
import { costUsd, type TokenUsage } from '../predict/cost.ts';
import {
  mergeMessagesUsage,
  reportedCostUsd,
  usageFromChat,
  usageFromEmbeddings,
  usageFromMessages,
  usageFromResponses,
} from './usage.ts';

const documentSchema = z.record(z.string(), z.unknown());

/** An answer in its provider's form, the prices of its model, and what was worked out by hand that it costs. */
const invoiceSchema = z.strictObject({
  provider: z.string(),
  model: z.string(),
  dialect: z.enum(['chat', 'messages', 'responses', 'embeddings']),
  answer: documentSchema.optional(),
  stream: z.array(documentSchema).optional(),
  costs: costsSchema,
  /** The sum of tokens times cents per million tokens. */
  working: z.string(),
  expected_cents: z.string(),
  /** Where the provider says itself what it charged. */
  reported_usd: z.string().optional(),
});
type Invoice = z.infer<typeof invoiceSchema>;

const folder = new URL('../../../test/golden/usage/', import.meta.url);
const invoices = readdirSync(folder).map((name): [string, Invoice] => [
  name,
  invoiceSchema.parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))),
]);

test.each(invoices)('%s costs what was worked out by hand', (_name, invoice) => {
  expect(Math.abs(costOf(invoice) - Number(invoice.expected_cents) / 100)).toBeLessThan(1e-9);
});

const reported = invoices.filter(([, invoice]) => invoice.reported_usd !== undefined);

test.each(reported)('%s costs what the provider says', (_name, invoice) => {
  const reportedUsd = reportedCostUsd(invoice.answer?.['usage']);
  expect(reportedUsd).toBe(Number(invoice.reported_usd));
  expect(Math.abs(costOf(invoice) - (reportedUsd ?? NaN))).toBeLessThan(1e-9);
});

/** NaN where it is not known. */
function costOf(invoice: Invoice): number {
  const usage = usageOf(invoice);
  return (usage === null ? null : costUsd(usage, invoice.costs)) ?? NaN;
}

function usageOf({ dialect, answer = {}, stream = [] }: Invoice): TokenUsage | null {
  switch (dialect) {
    case 'chat':
      return [answer, ...stream].map(chatUsageOf).findLast((usage) => usage !== null) ?? null;
    case 'responses':
      return usageFromResponses(answer['usage'], answer['service_tier']);
    case 'embeddings':
      return usageFromEmbeddings(answer['usage']);
    case 'messages':
      return stream.length === 0 ? usageFromMessages(answer['usage']) : streamedMessagesUsage(stream);
  }
}

function chatUsageOf(chunk: Record<string, unknown>): TokenUsage | null {
  const groq = documentSchema.safeParse(chunk['x_groq']).data;
  return usageFromChat(chunk['usage'] ?? groq?.['usage'], chunk['service_tier']);
}

function streamedMessagesUsage(events: readonly Record<string, unknown>[]): TokenUsage | null {
  const start = documentSchema.parse(events.find((event) => event['type'] === 'message_start')?.['message']);
  const delta = events.find((event) => event['type'] === 'message_delta');
  return mergeMessagesUsage(start['usage'], delta?.['usage']);
}
