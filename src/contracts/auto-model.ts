const autoNames: ReadonlySet<string> = new Set(['auto', 'signalbox/auto', 'openrouter/auto']);

/** Whether the `model` of a request leaves the choice to the router; a variant may follow after a colon. */
export function isAutoModel(name: string): boolean {
  return autoNames.has(name.split(':')[0] ?? '');
}
