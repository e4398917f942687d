import assert from 'node:assert/strict';
import {
  isClearableStore,
  isClosableStore,
  isCreatingStore,
  isOwnedStore,
  isPrunableStore,
  isSessionStore,
  isTouchingStore,
  isVersionedStore,
} from '../session/store.js';
import type { SessionStore } from '../session/store.js';
import { ContractBench } from './contract/bench.js';
import { clearClaims, closeClaims, pruneClaims } from './contract/maintenance.js';
import { corruptClaims } from './contract/corrupt.js';
import { createClaims } from './contract/create.js';
import { engineClaims } from './contract/engine.js';
import type { ContractRunner, StoreCapability, StoreContractOptions } from './contract/options.js';
import { ownerClaims } from './contract/owner.js';
import { plainClaims } from './contract/plain.js';
import { touchClaims } from './contract/touch.js';
import { versionClaims } from './contract/version.js';
import type { Claims } from './contract/bench.js';

const GUARDS: Readonly<Record<StoreCapability, (store: SessionStore) => boolean>> = {
  create: isCreatingStore,
  version: isVersionedStore,
  touch: isTouchingStore,
  owner: isOwnedStore,
  clear: isClearableStore,
  prune: isPrunableStore,
  close: isClosableStore,
};

const CLAIMS: Readonly<Record<StoreCapability, Claims>> = {
  create: createClaims,
  version: { ...versionClaims, ...engineClaims },
  touch: touchClaims,
  owner: ownerClaims,
  clear: clearClaims,
  prune: pruneClaims,
  close: closeClaims,
};

/**
 * Registers the tests that every session store has to pass, with the test runner of the caller.
 *
 * Beside each method's own promise, the suite runs the races in which sessions are lost or brought
 * back: parallel updates of one version, parallel creations of one key, an update that comes after
 * the logout, a write sent twice. On a store that compares versions, so does the engine: its
 * requests overlap, and none may lose what another wrote.
 *
 * @throws TypeError when `skip` names a claim that the suite does not have, or no test runner is
 * found.
 * @example
 * ```ts
 * import { storeContract } from 'nestjs-koa-session/testing';
 *
 * storeContract({
 *   name: 'MyStore',
 *   create: () => new MyStore(process.env.MY_URL),
 *   capabilities: ['create', 'version', 'touch'],
 *   ttlGranularity: 1_000,
 * });
 *
 * // with node:test
 * import { describe, it } from 'node:test';
 * storeContract({ runner: { describe, it }, ...options });
 * ```
 * @publicApi
 */
export function storeContract<S extends SessionStore>(options: StoreContractOptions<S>): void {
  const { describe, it } = options.runner ?? globalRunner();
  const skips = new Map(options.skip?.map(({ test, reason }) => [test, reason]));
  const unused = new Set(skips.keys());

  const register = (claims: Claims): void => {
    for (const [claim, body] of Object.entries(claims)) {
      unused.delete(claim);
      const reason = skips.get(claim);
      if (reason === undefined) it(claim, () => ContractBench.run(options, body));
      else skipped(it, `${claim} [skipped: ${reason}]`);
    }
  };

  describe(`store contract: ${options.name}`, () => {
    it('the store has the powers it declares, and no others', () =>
      ContractBench.run(options, async ({ store }) => {
        assert.ok(isSessionStore(store), 'the store lacks get, set or destroy');
        for (const [capability, has] of Object.entries(GUARDS)) {
          const declared = options.capabilities.includes(capability as StoreCapability);
          assert.equal(
            has(store),
            declared,
            `capability "${capability}" is ${declared ? 'declared but missing' : 'there but not declared, so it would go untested'}`,
          );
        }
      }));
    register(plainClaims);
    if (options.corrupt !== undefined) register(corruptClaims);
    for (const capability of options.capabilities) {
      describe(`capability "${capability}"`, () => register(CLAIMS[capability]));
    }
  });

  if (unused.size > 0) {
    throw new TypeError(`skip names claims that do not run: ${[...unused].join('; ')}`);
  }
}

function skipped(it: ContractRunner['it'], name: string): void {
  const skip = (it as { skip?: ContractRunner['it'] }).skip;
  const body = () => Promise.resolve();
  if (typeof skip === 'function') skip(name, body);
  else it(name, body);
}

function globalRunner(): ContractRunner {
  const { describe, it } = globalThis as Partial<ContractRunner>;
  if (typeof describe !== 'function' || typeof it !== 'function') {
    throw new TypeError(
      'no global "describe" and "it": pass the test runner as "runner", for instance { describe, it } of node:test',
    );
  }
  return { describe, it };
}
