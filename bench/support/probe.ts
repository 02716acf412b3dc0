// Loaded into a measured process by `--import`, with `--expose-gc`. Two signals ask it; an answer is a line of stdout.

/** Processor time, all threads, to the microsecond: /proc counts it in ticks of 10 ms. */
process.on('SIGCONT', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ cpuMicroseconds: user + system })}\n`);
});

/** Memory after a collection of garbage. */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ memory: { rssBytes: rss, heapBytes: heapUsed } })}\n`);
});
