/** What the command line says. Ends the process after help, and with one line and the usage where something is wrong. */
export function optionsOrExit<Options>(read: () => Options | null, usage: string): Options {
  try {
    const options = read();
    if (options !== null) return options;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(1);
  }
}

/** `stop` once, however often it is asked for, and before the process ends by a signal. */
export function releaseOnce(stop: () => Promise<void>): { release(): Promise<void>; wasInterrupted(): boolean } {
  let released: Promise<void> | undefined;
  let interrupted = false;
  function release(): Promise<void> {
    released ??= stop();
    return released;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true;
      void release().finally(() => process.exit(130));
    });
  }
  return { release, wasInterrupted: () => interrupted };
}
