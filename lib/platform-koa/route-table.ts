import { pathIndex, pathMatcher, withoutEndSlash } from './route-path.js';
import type { MatchingRules, PathMatcher } from './path-match.js';
import type { RoutePath } from './route-path.js';
import type { KoaRequest, KoaResponse } from './exchange.js';

/** Continues with the next step, or fails the request when given an error. @internal */
export type Next = (error?: unknown) => void;

/** A handler as Nest, Express and connect have it. @internal */
export type StepHandler = (req: KoaRequest, res: KoaResponse, next: Next) => unknown;

/** What a step is made from. @internal */
export interface StepOptions {
  readonly path: RoutePath;
  /** Upper-case verb; without one the step serves every method. */
  readonly method?: string | undefined;
  /** Matches everything below the path too, and hides the path from the handler's `req.url`. */
  readonly mount?: boolean;
  /** What becomes `req.route`. */
  readonly isRoute?: boolean;
  /** Leave the step out for requests without a body. */
  readonly needsBody?: boolean;
  /** The registration that several handlers share: `next('route')` goes on behind them all. */
  readonly group?: object | undefined;
  readonly handler: StepHandler;
}

/** One route or one middleware, at its place in the order of registration. @internal */
export interface Step {
  readonly order: number;
  readonly method: string | undefined;
  readonly mount: boolean;
  readonly needsBody: boolean;
  readonly group: object | undefined;
  readonly matches: PathMatcher;
  readonly route: { readonly path: RoutePath } | undefined;
  readonly handler: StepHandler;
  readonly literal: string;
  readonly isWhole: boolean;
}

/** Compiles one step. @internal */
export function createStep(options: StepOptions, order: number, rules: MatchingRules): Step {
  const { path, method, handler, mount = false, isRoute = false, needsBody = false } = options;
  return {
    order,
    method,
    mount,
    needsBody,
    group: options.group,
    handler,
    matches: pathMatcher(path, rules, mount),
    route: isRoute ? { path } : undefined,
    ...pathIndex(typeof path === 'string' && !rules.strict ? withoutEndSlash(path) : path, mount),
  };
}

/**
 * Routes and middleware in the order they were registered, found without trying them all.
 *
 * A step whose path has no parameters is looked up by its whole path, any other by the literal
 * segments its path begins with. What is found is a superset of what matches; path-to-regexp
 * then decides, step by step, in the order of registration.
 *
 * @internal
 */
export class RouteTable {
  private steps: Step[] = [];
  private readonly indexes = new Map<string, MethodIndex>();

  constructor(private readonly rules: MatchingRules) {}

  add(step: Step): void {
    this.steps.push(step);
    this.indexes.clear();
  }

  /** The steps that may match, in order. */
  candidates(method: string, path: string): readonly Step[] {
    let index = this.indexes.get(method);
    if (index === undefined) {
      index = new MethodIndex(
        this.steps.filter((step) => serves(step, method)),
        this.rules,
      );
      // Methods come from the client: only the known few are kept.
      if (this.indexes.size < MAX_METHODS) this.indexes.set(method, index);
    }
    return index.find(path);
  }

  /** Moves the steps from `order` on to a table of their own. */
  splitAt(order: number): RouteTable {
    const tail = new RouteTable(this.rules);
    tail.steps = this.steps.filter((step) => step.order >= order);
    this.steps = this.steps.filter((step) => step.order < order);
    this.indexes.clear();
    return tail;
  }
}

/** As many as Node's parser knows. */
const MAX_METHODS = 40;

function serves(step: Step, method: string): boolean {
  return (
    step.method === undefined ||
    step.method === method ||
    (method === 'HEAD' && step.method === 'GET')
  );
}

class MethodIndex {
  private readonly whole = new Map<string, readonly Step[]>();
  private readonly prefixes = new Map<string, readonly Step[]>([['', []]]);
  /** No whole path is longer, and no prefix has more segments: what is beyond needs no look. */
  private longest = 0;
  private deepest = 0;

  constructor(
    steps: readonly Step[],
    private readonly rules: MatchingRules,
  ) {
    const open = steps.filter((step) => !step.isWhole);
    for (const literal of new Set(open.map((step) => this.fold(step.literal)))) {
      const reachable = open.filter((step) => this.isAtOrAbove(step, literal));
      this.prefixes.set(literal, reachable);
      this.deepest = Math.max(this.deepest, literal.split('/').length - 1);
    }
    const closed = new Map<string, Step[]>();
    for (const step of steps.filter((each) => each.isWhole)) {
      const literal = this.fold(step.literal);
      closed.set(literal, [...(closed.get(literal) ?? []), step]);
    }
    for (const [literal, own] of closed) {
      const list = [...own, ...this.findOpen(literal)].sort((a, b) => a.order - b.order);
      this.whole.set(literal, list);
      this.longest = Math.max(this.longest, literal.length);
    }
  }

  find(path: string): readonly Step[] {
    const folded = this.fold(path);
    const whole = folded.length > this.longest ? undefined : this.whole.get(folded);
    return whole ?? this.findOpen(folded);
  }

  /** The list of the longest known run of segments that the path begins with. */
  private findOpen(folded: string): readonly Step[] {
    let end = this.endOfDeepest(folded);
    while (end > 0) {
      const found = this.prefixes.get(folded.slice(0, end));
      if (found !== undefined) return found;
      end = folded.lastIndexOf('/', end - 1);
    }
    return this.prefixes.get('') ?? [];
  }

  /** Where the segments end that a prefix may have. */
  private endOfDeepest(folded: string): number {
    let end = 0;
    for (let depth = 0; depth < this.deepest; depth++) {
      end = folded.indexOf('/', end + 1);
      if (end === -1) return folded.length;
    }
    return end;
  }

  private isAtOrAbove(step: Step, literal: string): boolean {
    const own = this.fold(step.literal);
    return own === '' || own === literal || literal.startsWith(`${own}/`);
  }

  /**
   * Paths that path-to-regexp takes for the same become one key. Upper case, since that is how
   * a case-insensitive regular expression compares.
   */
  private fold(path: string): string {
    const cased = this.rules.caseSensitive ? path : path.toUpperCase();
    return !this.rules.strict && cased.endsWith('/') ? cased.slice(0, -1) : cased;
  }
}
