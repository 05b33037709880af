/** A line that is rewritten in place on a terminal, and printed now and then elsewhere. */
export class ProgressLine {
  private printed = '';
  private printedAtMs = 0;
  private readonly isTerminal = process.stdout.isTTY;

  constructor(private readonly label: string) {}

  show(done: number, total: number): void {
    const line = `${this.label}  ${done.toLocaleString('en')} of ${total.toLocaleString('en')}`;
    if (this.isTerminal) {
      process.stdout.write(`\r\u001b[2K${line}`);
    } else if (line !== this.printed && (Date.now() - this.printedAtMs > 2000 || done === total)) {
      this.printed = line;
      this.printedAtMs = Date.now();
      process.stdout.write(`${line}\n`);
    }
  }

  end(): void {
    if (this.isTerminal) process.stdout.write('\n');
  }
}
