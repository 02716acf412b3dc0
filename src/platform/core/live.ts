/** A value that may change while the process runs: whoever needs it asks for it where it is used, and keeps nothing. */
export type Live<T> = () => T;

/**
 * What is made of a live value, made anew only when that value has become another one. Its own state lasts as long.
 */
export function derive<T, U>(source: Live<T>, make: (value: T) => U): Live<U> {
  let value = source();
  let made = make(value);
  return () => {
    const now = source();
    if (now !== value) {
      made = make(now);
      value = now;
    }
    return made;
  };
}
