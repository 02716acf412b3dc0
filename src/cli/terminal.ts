import pc from 'picocolors';

const escape = '\u001B';
/** A colour, or one of the characters by which a text could command a terminal. */
const controls = new RegExp(`${escape}\\[[\\d;]*m|\\p{Cc}`, 'gu');

/** Results go to stdout, everything that is said about them to stderr. */
export function print(line = ''): void {
  process.stdout.write(`${withoutCommands(line)}\n`);
}

export function say(line = ''): void {
  process.stderr.write(`${withoutCommands(line)}\n`);
}

/**
 * Names, reasons and messages come from providers and from who may write to the queue: of their commands none is left,
 * but colours. Those that JSON may hold as they are, from U+007F on, are written as JSON would escape them: what a program
 * reads of it stays the same.
 */
function withoutCommands(text: string): string {
  return text.replaceAll(controls, (found) => {
    if (found.length > 1 || found === '\n' || found === '\t') return found;
    return found < '\u007F' ? '' : `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

export function printProblem(message: string): void {
  say(`${pc.red('error:')} ${message}`);
}

/** In a terminal alone, and gone with the next line. */
export function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\u001b[K\r`);
}

export type Colors = ReturnType<typeof pc.createColors>;

/** Colours for stderr, which may be a terminal where stdout is none; none where NO_COLOR is set. */
export function stderrColors(): Colors {
  return pc.createColors(process.stderr.isTTY && process.stderr.hasColors());
}

/** Without the characters by which a text could command a terminal; line ends and tabs stay. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\n' || character === '\t' ? character : ''));
}

/** A part of a terminal, from the line of the cursor on, that is drawn over and over. */
export interface LiveBlock {
  draw(lines: readonly string[]): void;
  /** Leaves what was drawn, and gives the cursor back; nothing is drawn after it. */
  end(): void;
}

/** Lines wider than the terminal are cut by it, more of them than it has rows are left out. */
export function liveBlock(terminal: Pick<NodeJS.WriteStream, 'write' | 'rows'>): LiveBlock {
  let drawn: readonly string[] = [];
  let isOpen = false;
  function end(): void {
    if (isOpen) terminal.write(`${escape}[?25h`);
    isOpen = false;
    process.off('exit', end);
  }
  return {
    draw(lines) {
      const shown = lines.slice(0, Math.max(1, (terminal.rows || 24) - 1));
      const hide = isOpen ? '' : `${escape}[?25l`;
      if (!isOpen) process.once('exit', end);
      isOpen = true;
      const up = drawn.length === 0 ? '' : `${escape}[${drawn.length}A`;
      const body = shown.map((line) => `${escape}[2K${line}\n`).join('');
      // Without wrapping, so that a line always takes one row; all at once, so that nothing flickers.
      terminal.write(`${hide}${up}\r${escape}[?7l${body}${escape}[J${escape}[?7h`);
      drawn = shown;
    },
    end,
  };
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
  return cell.replaceAll(new RegExp(`${escape}\\[\\d+m`, 'g'), '').length;
}
