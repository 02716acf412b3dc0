/** What is done right now, in one line of the terminal; nowhere else. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}

/** What must be known of the run. */
export function notice(text: string): void {
  progress('');
  process.stderr.write(`${text}\n`);
}
