/** Lets so many jobs run at a time; the others wait in the order in which they came. */
export class Lanes {
  readonly #width: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(width: () => number) {
    this.#width = width;
  }

  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#width()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await job();
    } finally {
      // The lane goes over to the next one, or is free.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
