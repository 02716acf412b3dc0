import { isObject, parseObject } from '../surfaces/surface.ts';
import { rewriteBody } from './rewrite-body.ts';

/** The field `model` of a form: its head up to the value, and the value. */
const formModel =
  /content-disposition: *form-data; *name="model"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,200})\r\n/i;

/** The model that a JSON document or a form names; null where it names none. */
export function modelOfBody(bytes: Buffer, contentType: string): string | null {
  if (contentType.startsWith('multipart/')) return formModel.exec(bytes.toString('latin1'))?.[1]?.trim() ?? null;
  const document = parseObject(bytes.toString('utf8'));
  const model = isObject(document) ? document['model'] : undefined;
  return typeof model === 'string' && model !== '' ? model : null;
}

/** The same bytes, naming another model. */
export function withModel(bytes: Buffer, contentType: string, model: string): Buffer {
  if (!contentType.startsWith('multipart/')) return rewriteBody(bytes, new Map([['model', JSON.stringify(model)]]));
  const found = formModel.exec(bytes.toString('latin1'));
  const value = found?.[1];
  if (found === null || value === undefined) return bytes;
  // One character of latin1 is one byte, and the value ends two bytes before the match does.
  const end = found.index + found[0].length - 2;
  return Buffer.concat([bytes.subarray(0, end - value.length), Buffer.from(model), bytes.subarray(end)]);
}
