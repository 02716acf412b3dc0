import pc from 'picocolors';

/** Results go to stdout, everything that is said about them to stderr. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function say(line = ''): void {
  process.stderr.write(`${line}\n`);
}

export function printProblem(message: string): void {
  say(`${pc.red('error:')} ${message}`);
}

/** Columns aligned by their widest cell; the last one is not padded. */
export function table(rows: ReadonlyArray<readonly string[]>): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, visibleLength(cell))));
  }
  return rows.map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + ' '.repeat((widths[index] ?? 0) - visibleLength(cell)),
      )
      .join('  ')
      .trimEnd(),
  );
}

// Escapes of colours take no room on the screen.
function visibleLength(cell: string): number {
  return cell.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '').length;
}
