/** What a server counts, as Prometheus would read it. */
export class Metrics {
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const cut = line.lastIndexOf(' ');
      if (line.startsWith('#') || cut < 0) continue;
      this.#values.set(line.slice(0, cut), Number(line.slice(cut + 1)));
    }
  }

  static async read(port: number): Promise<Metrics> {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return new Metrics(await response.text());
  }

  /** The value of `name` or `name{label="value"}`; 0 where it never was counted. */
  of(name: string): number {
    return this.#values.get(name) ?? 0;
  }

  /** All values of one name, by the value of its only label; some are there, as 0, before they are counted. */
  by(name: string): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [series, value] of this.#values) {
      const [, label] = new RegExp(`^${name}\\{\\w+="([^"]*)"\\}$`).exec(series) ?? [];
      if (label !== undefined) found.set(label, value);
    }
    return found;
  }
}
