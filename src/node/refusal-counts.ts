/** Codes counted by name; a game that makes up codes without end has the rest under `other`. */
const MAX_CODES = 64

/** How many offers were refused, by code. */
export class RefusalCounts {
  readonly #counts = new Map<string, number>()

  add(code: string): void {
    const name = this.#counts.has(code) || this.#counts.size < MAX_CODES ? code : 'other'
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  /** Counts by code, as they stand. */
  read(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }
}
