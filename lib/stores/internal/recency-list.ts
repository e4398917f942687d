/** What an entry of a {@link RecencyList} carries. @internal */
export interface RecencyNode<Node> {
  newer: Node | undefined;
  older: Node | undefined;
}

/**
 * Entries in the order of their last use. Every step takes constant time; a `Map` that is
 * re-inserted into does the same order, but pauses now and then to compact itself.
 *
 * A hand walks the list from old to new, a few entries at a call, and starts over at the end.
 *
 * @internal
 */
export class RecencyList<Node extends RecencyNode<Node>> {
  #newest: Node | undefined;
  #oldest: Node | undefined;
  #hand: Node | undefined;

  get oldest(): Node | undefined {
    return this.#oldest;
  }

  addToFront(node: Node): void {
    node.older = this.#newest;
    node.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = node;
    this.#newest = node;
    this.#oldest ??= node;
  }

  moveToFront(node: Node): void {
    if (node === this.#newest) return;
    this.remove(node);
    this.addToFront(node);
  }

  remove(node: Node): void {
    if (this.#hand === node) this.#hand = node.newer;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    node.older = undefined;
    node.newer = undefined;
  }

  /** The entry under the hand, which moves on. `undefined` when the list is empty. */
  nextToVisit(): Node | undefined {
    const node = this.#hand ?? this.#oldest;
    this.#hand = node?.newer;
    return node;
  }

  clear(): void {
    this.#newest = undefined;
    this.#oldest = undefined;
    this.#hand = undefined;
  }
}
