import { harmless } from '../terminal.js';

/** One line on a terminal's standard error that says what is being done; nothing elsewhere. */
export class Progress {
  private shown = false;
  private readonly isTerminal = process.stderr.isTTY;

  show(line: string): void {
    if (!this.isTerminal) return;
    const width = process.stderr.columns;
    process.stderr.write(`\r\u001b[2K${harmless(line).slice(0, Math.max(20, width - 1))}`);
    this.shown = true;
  }

  clear(): void {
    if (this.shown) process.stderr.write('\r\u001b[2K');
    this.shown = false;
  }
}
