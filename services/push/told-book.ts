import { type Devices, maxNamed, type Told } from '../ports/devices.ts';

/** Marks that wait may be as many as notices are under way: each of those makes one. */
interface Waiting {
  readonly mark: Told;
  readonly done: () => void;
}

/**
 * Writes down what devices were told: while one write is under way, the next one gathers. What can't be written is
 * dropped after one try: the device may be told again after a restart, which collapses on its screen.
 */
export class ToldBook {
  readonly #devices: Pick<Devices, 'told'>;
  readonly #failed: (error: unknown) => void;
  #waiting: Waiting[] = [];
  #writing = false;

  constructor(parts: { readonly devices: Pick<Devices, 'told'>; readonly failed: (error: unknown) => void }) {
    this.#devices = parts.devices;
    this.#failed = parts.failed;
  }

  /** Resolves when it is written, or could not be. */
  mark(mark: Told): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ mark, done });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, maxNamed);
      try {
        await this.#devices.told(batch.map(({ mark }) => mark));
      } catch (error) {
        this.#failed(error);
      }
      for (const { done } of batch) done();
    }
    this.#writing = false;
  }
}
