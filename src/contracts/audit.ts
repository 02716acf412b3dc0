import { z } from 'zod';
import { serviceNameSchema } from './api.ts';

/**
 * How it was known who acts: by the master key, the read-only key or a virtual key; `none` where no key is needed;
 * `database`: whoever may connect to it; or the part of Signalbox that acts by itself: `upgrade`, or the configuration `file`.
 */
export const auditCredentialSchema = z.enum(['none', 'master', 'read', 'key', 'upgrade', 'file', 'database']);

/** Who did something. */
export const authorSchema = z.object({
  credential: auditCredentialSchema,
  key_id: z.string().nullable().describe('Of a virtual key.'),
  key_name: z.string().nullable().describe('Of a virtual key, as it was called then.'),
  told_name: z.string().nullable().describe('Who the client said that it acts for. Nobody has checked it.'),
  address: z.string().nullable().describe('Where it came from; null: from within.'),
});
export type Author = z.infer<typeof authorSchema>;

export const auditEntrySchema = z.object({
  seq: z.string(),
  at: z.iso.datetime(),
  service: serviceNameSchema,
  author: authorSchema,
  action: z.string().describe('Such as `key.create`.'),
  object: z.string().describe('What it was done to: an id or a name.'),
  before: z.unknown().describe('What the change replaced, without secrets; null where there is nothing to tell.'),
  after: z.unknown().describe('What it made of it.'),
  outcome: z.enum(['done', 'refused']),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

export const auditPageSchema = z.object({
  entries: z.array(auditEntrySchema),
  next: z.string().nullable().describe('Pass it as `before` for the next page; null on the last one.'),
});

/** Header in which a client says who it acts for, percent-encoded. */
export const toldNameHeader = 'x-signalbox-actor';
/** Header in which central says who asked it, as JSON, percent-encoded; believed of the master key, and where no key is needed. */
export const authorHeader = 'x-signalbox-author';
