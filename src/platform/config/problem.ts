/** What is wrong with one setting. */
export interface ConfigProblem {
  /** Such as `routing.weights.cost`; empty where the whole is meant. */
  path: string;
  /** Holds no value of a setting, which may be a secret. */
  message: string;
  /** Of the file; null where it is not the file that is wrong. */
  line: number | null;
  /** The environment variable that sets it; null where none does. */
  variable: string | null;
}

/** One line for one problem. */
export function describeProblem({ path, message, line, variable }: ConfigProblem): string {
  const place = variable === null ? (line === null ? '' : ` (line ${line})`) : ` (${variable})`;
  return `${path === '' ? '' : `${path}: `}${message}${place}`;
}

/** All problems of a configuration in one line. */
export function describeProblems(problems: readonly ConfigProblem[], file: string | null): string {
  const all = problems.map(describeProblem).join('; ');
  // What cannot be read at all says so itself.
  if (problems.some(({ path }) => path === '')) return file === null ? all : `${file}: ${all}`;
  return `invalid configuration${file === null ? '' : ` (${file})`}: ${all}`;
}
