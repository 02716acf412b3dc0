import { z } from 'zod';

/** What a caller of central may do: all, or only look. */
export const roleSchema = z.enum(['admin', 'read']);
export type Role = z.infer<typeof roleSchema>;

/** Body of `POST /session`. */
export const loginSchema = z.strictObject({
  key: z.string().min(1).max(1000).describe('The master key or the read-only key.'),
});

/** Answer of `GET /session` and `POST /session`. */
export const sessionSchema = z.object({
  key_required: z.boolean().describe('False where no master key is set: everybody on this machine is admin.'),
  role: roleSchema.nullable().describe('Null: log in first.'),
  expires_at: z.iso.datetime().nullable().describe('Of the session; null where there is none, or a key was sent.'),
});
export type Session = z.infer<typeof sessionSchema>;
