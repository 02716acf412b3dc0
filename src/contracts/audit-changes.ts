/** A field that a change has touched: its path, with dots, and what it was and became; undefined: nothing. */
export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

/**
 * What differs between `before` and `after` of an audit entry, field by field; null is nothing. Elements of a list are
 * named by their texts, so that what two lists say of the same thing is compared. Pure.
 */
export function changedFields(before: unknown, after: unknown): FieldChange[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }))
    .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

/** The fields of a value of JSON by their paths; a value that has none is one itself, without a path. */
function fieldsOf(value: unknown): Map<string, unknown> {
  const fields = new Map<string, unknown>();
  function collect(part: unknown, path: string): void {
    if (part === null || part === undefined) return;
    const below = isObject(part) ? Object.entries(part) : namedElements(part);
    if (below === null) fields.set(path, part);
    else for (const [name, inner] of below) collect(inner, path === '' ? name : `${path}.${name}`);
  }
  collect(value, '');
  return fields;
}

/** Null where the texts of the elements do not tell them apart, or there are none: such a list is a value. */
function namedElements(list: unknown): Array<[name: string, element: unknown]> | null {
  if (!Array.isArray(list) || !list.every(isObject)) return null;
  const names = list.map((element) =>
    Object.values(element)
      .filter((text) => typeof text === 'string')
      .join(' '),
  );
  if (list.length === 0 || names.includes('') || new Set(names).size < names.length) return null;
  return list.map((element, index) => [names[index] ?? '', element]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
