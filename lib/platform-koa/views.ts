import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { AdapterError, PeerMissingError } from '../errors.js';
import type { KoaResponse, ViewCallback } from './exchange.js';

/** A view engine as Express knows it: `ejs.renderFile`, `pug.__express`, `hbs.__express`. @publicApi */
export type ViewEngine = (
  path: string,
  options: Record<string, unknown>,
  callback: ViewCallback,
) => unknown;

/**
 * Finds views and renders them with the engines that Express users know.
 *
 * @internal
 */
export class Views {
  /** What every view sees. */
  readonly locals: Record<string, unknown> = {};
  /** Express's settings, which some engines look at. */
  readonly settings: Record<string, unknown> = { views: resolve('views') };
  private readonly engines = new Map<string, ViewEngine>();
  private readonly files = new Map<string, string>();

  constructor(env: string) {
    if (env === 'production') this.settings['view cache'] = true;
    this.locals['settings'] = this.settings;
  }

  /** Renders files of an extension with an engine. */
  engine(extension: string, engine: ViewEngine): void {
    this.engines.set(dotted(extension), engine);
  }

  /** Answers with a view, unless a callback wants the text. */
  renderFor(
    response: KoaResponse,
    name: string,
    options: Record<string, unknown>,
    callback?: ViewCallback,
  ): Promise<void> {
    const rendered = this.render(name, { ...response.locals, ...options });
    if (callback !== undefined) {
      return rendered.then((text) => callback(null, text), callback);
    }
    return rendered.then((text) => void response.send(text));
  }

  /** The text of a view. */
  async render(name: string, variables: Record<string, unknown>): Promise<string> {
    const path = this.find(name);
    const engine = await this.engineFor(extname(path));
    const options = { ...this.locals, ...variables };
    options['cache'] ??= Boolean(this.settings['view cache']);
    return new Promise((fulfil, reject) => {
      const result = engine(path, options, (error, text) => {
        if (error) reject(error as Error);
        else fulfil(text ?? '');
      });
      if (result instanceof Promise) result.catch(reject);
    });
  }

  private find(name: string): string {
    const cached = this.files.get(name);
    if (cached !== undefined) return cached;
    const extension = extname(name) || dotted(String(this.settings['view engine'] ?? ''));
    if (extension === '.') {
      throw new AdapterError(
        `cannot render the view "${name}": it has no extension and no engine was set; call setViewEngine()`,
      );
    }
    const file = extname(name) ? name : name + extension;
    const folders = [this.settings['views']].flat().map(String);
    for (const folder of folders) {
      const path = resolve(folder, file);
      const index = join(dirname(path), basename(path, extension), `index${extension}`);
      const found = [path, index].find((each) => existsSync(each) && statSync(each).isFile());
      if (found === undefined) continue;
      if (this.settings['view cache']) this.files.set(name, found);
      return found;
    }
    throw new AdapterError(
      `cannot find the view "${name}" in ${folders.map((f) => `"${f}"`).join(', ')}`,
    );
  }

  private async engineFor(extension: string): Promise<ViewEngine> {
    const known = this.engines.get(extension);
    if (known !== undefined) return known;
    const loaded = await loadEngine(extension.slice(1));
    this.engines.set(extension, loaded);
    return loaded;
  }
}

/** Engines belong to the application, so they are looked for from where it runs. */
async function loadEngine(name: string): Promise<ViewEngine> {
  let path: string;
  try {
    path = createRequire(join(process.cwd(), 'package.json')).resolve(name);
  } catch (cause) {
    throw new PeerMissingError(name, `rendering ".${name}" views`, cause);
  }
  const loaded = (await import(path)) as Record<string, unknown> & {
    default?: Record<string, unknown>;
  };
  const engine = loaded['__express'] ?? loaded.default?.['__express'];
  if (typeof engine !== 'function') {
    throw new AdapterError(
      `the package "${name}" has no engine that Express knows: register one with engine("${name}", render)`,
    );
  }
  return engine as ViewEngine;
}

function dotted(extension: string): string {
  return extension.startsWith('.') ? extension : `.${extension}`;
}
