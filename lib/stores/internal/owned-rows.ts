/**
 * Which rows belong to which owner. Rows without an owner take no memory here.
 *
 * @internal
 */
export class OwnedRows {
  readonly #rows = new Map<string, Set<number>>();
  readonly #owners = new Map<number, string>();

  /** The owner's rows. While they are walked, they may be taken away. */
  rowsOf(owner: string): Iterable<number> {
    return this.#rows.get(owner) ?? [];
  }

  /** Gives a row to an owner, or with `undefined` to nobody. */
  set(row: number, owner: string | undefined): void {
    const before = this.#owners.get(row);
    if (before === owner) return;
    if (before !== undefined) {
      const rows = this.#rows.get(before);
      rows?.delete(row);
      if (rows?.size === 0) this.#rows.delete(before);
    }
    if (owner === undefined) {
      this.#owners.delete(row);
      return;
    }
    this.#owners.set(row, owner);
    const rows = this.#rows.get(owner);
    if (rows === undefined) this.#rows.set(owner, new Set([row]));
    else rows.add(row);
  }

  clear(): void {
    this.#rows.clear();
    this.#owners.clear();
  }
}
