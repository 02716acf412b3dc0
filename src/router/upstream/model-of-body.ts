import { SignalboxError } from '../../platform/core/errors.ts';
import { parseObject } from '../surfaces/surface.ts';
import { rewriteBody } from './rewrite-body.ts';

/** The field `model` of a form: its head up to the value, and the value. */
const formModel =
  /content-disposition: *form-data; *name="model"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,200})\r\n/i;

/** Every way to name that field, so that none goes by unread. */
const anyFormModel = /content-disposition:[^\r\n]*;\s*name\s*=\s*"?model"?\s*(?:;|\r\n)/gi;

/**
 * The model that a JSON document or a form names; null where it names none.
 *
 * @throws SignalboxError `invalid_request` for a form that names it more than once, or not as every reader would see it.
 */
export function modelOfBody(bytes: Buffer, contentType: string): string | null {
  if (contentType.startsWith('multipart/')) return modelOfForm(bytes.toString('latin1'));
  const model = parseObject(bytes.toString('utf8'))?.['model'];
  return typeof model === 'string' && model !== '' ? model : null;
}

function modelOfForm(text: string): string | null {
  const model = formModel.exec(text)?.[1]?.trim() ?? null;
  if ((text.match(anyFormModel) ?? []).length === (model === null ? 0 : 1)) return model;
  throw new SignalboxError('invalid_request', 'model: must be named once, as name="model"', { param: 'model' });
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
