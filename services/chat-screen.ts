import { clearLine, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';

export interface ChatStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

/** A terminal with a line to type on at the bottom; or a pair of pipes, where lines come and go as they are. */
export class ChatScreen {
  readonly interactive: boolean;
  readonly #streams: ChatStreams;
  #lines: Interface | undefined;
  #prompt = '> ';

  constructor(streams: ChatStreams) {
    this.#streams = streams;
    this.interactive = streams.input.isTTY === true && streams.output.isTTY === true;
  }

  /** Prints above the line that is being typed. */
  print(text: string): void {
    const { output } = this.#streams;
    if (this.#lines === undefined || !this.interactive) {
      output.write(`${text}\n`);
      return;
    }
    cursorTo(output, 0);
    clearLine(output, 0);
    output.write(`${text}\n`);
    this.#lines.prompt(true);
  }

  set prompt(text: string) {
    this.#prompt = `${text}> `;
    this.#lines?.setPrompt(this.#prompt);
  }

  /** What is typed, line by line, until the end of input, Ctrl-C or `close`. */
  async *lines(): AsyncGenerator<string> {
    const { input, output } = this.#streams;
    const lines = createInterface({
      input,
      output: this.interactive ? output : undefined,
      terminal: this.interactive,
      prompt: this.#prompt,
    });
    this.#lines = lines;
    lines.on('SIGINT', () => lines.close());
    if (this.interactive) lines.prompt();
    try {
      for await (const line of lines) {
        if (this.interactive) this.#wipe(line);
        yield line;
        if (this.interactive) lines.prompt();
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#lines?.close();
    this.#lines = undefined;
  }

  /** What was typed comes back as a message, with its time: the typed line makes room for it. */
  #wipe(line: string): void {
    const { output } = this.#streams;
    const rows = Math.ceil((this.#prompt.length + line.length + 1) / (output.columns || 80));
    moveCursor(output, 0, -rows);
    cursorTo(output, 0);
    output.write('\u001b[J');
  }
}
