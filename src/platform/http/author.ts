import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Author, authorHeader, authorSchema, toldNameHeader } from '../../contracts/audit.ts';

const longestName = 200;
const nameSchema = z.string().transform(printable).nullable();
/** As the table can hold it, whoever wrote the header. */
const originalSchema = authorSchema.extend({
  key_id: z.guid().nullable(),
  key_name: nameSchema,
  told_name: nameSchema,
  address: nameSchema,
});

/** Who acts by this request, for the audit log. `told`: who the body says that it is, which a header may say as well. */
export function authorOf(request: FastifyRequest, told: string | null = null): Author {
  const { credential, keyId, keyName } = request.principal;
  // Central asks with the master key for those who asked it. Who has that key may do, and so may say, what he likes.
  const original = credential === 'master' || credential === 'none' ? originalAuthor(request) : undefined;
  const said = told ?? decoded(request.headers[toldNameHeader]);
  const toldName = said === null ? null : printable(said);
  if (original !== undefined) return { ...original, told_name: original.told_name ?? toldName };
  return { credential, key_id: keyId, key_name: keyName, told_name: toldName, address: request.ip };
}

/** As the header says it that `authorOf` reads. */
export function encodeAuthor(author: Author): string {
  return encodeURIComponent(JSON.stringify(author));
}

function originalAuthor({ headers }: FastifyRequest): Author | undefined {
  const text = decoded(headers[authorHeader]);
  if (text === null) return undefined;
  try {
    return originalSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function decoded(header: string | string[] | undefined): string | null {
  if (typeof header !== 'string') return null;
  try {
    return decodeURIComponent(header);
  } catch {
    return null;
  }
}

/** A name that a table can hold and a terminal can show. */
function printable(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, '').slice(0, longestName);
}
