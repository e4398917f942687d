import { VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import type { HttpServer, VersioningOptions } from '@nestjs/common';
import { AdapterError } from '../errors.js';
import type { KoaRequest } from './exchange.js';
import type { StepHandler } from './route-table.js';

/** A version, several, or the neutral one, as a route declares it. @internal */
export type VersionValue = Parameters<HttpServer['applyVersionFilter']>[1];

/** What a request asks for; `undefined` when it names no version. */
type Requested = string | readonly string[] | undefined;

/**
 * Lets a handler run only for requests of its version; any other goes on to the next route.
 *
 * @internal
 */
export function versionFilter(
  handler: StepHandler,
  version: VersionValue,
  options: VersioningOptions,
): StepHandler {
  if (version === VERSION_NEUTRAL || options.type === VersioningType.URI) {
    return (req, res, next) => handler(req, res, next);
  }
  const read = versionReader(options);
  const acceptsNone = Array.isArray(version) && version.includes(VERSION_NEUTRAL);
  const isCustom = options.type === VersioningType.CUSTOM;
  const offered = new Set([version].flat().filter((each) => typeof each === 'string'));
  return (req, res, next) => {
    const requested = read(req);
    const isServed =
      requested === undefined
        ? acceptsNone && !isCustom
        : [requested].flat().some((each) => offered.has(each as string));
    return isServed ? handler(req, res, next) : next();
  };
}

function versionReader(options: VersioningOptions): (req: KoaRequest) => Requested {
  switch (options.type) {
    case VersioningType.HEADER: {
      const name = options.header.toLowerCase();
      return (req) => req.headers[name] || undefined;
    }
    case VersioningType.MEDIA_TYPE:
      return (req) => mediaTypeVersion(req.headers.accept, options.key);
    case VersioningType.CUSTOM:
      return (req) => {
        const version: unknown = options.extractor(req);
        return typeof version === 'string' || Array.isArray(version)
          ? (version as Requested)
          : undefined;
      };
    default:
      throw new AdapterError('this kind of versioning is not known: use one of VersioningType');
  }
}

/**
 * The version in an `Accept` header, for instance `2` in `text/html, application/json;v=2` with
 * the key `v=`. Separators within quotes separate nothing.
 */
function mediaTypeVersion(accept: string | undefined, key: string): string | undefined {
  for (const range of splitUnquoted(accept ?? '', ',')) {
    for (const parameter of splitUnquoted(range, ';').slice(1)) {
      const text = parameter.trim();
      if (!text.startsWith(key)) continue;
      const value = text.slice(key.length);
      const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
      return isQuoted ? value.slice(1, -1).replace(/\\([\s\S])/g, '$1') : value;
    }
  }
  return undefined;
}

function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (isQuoted && text[at] === '\\') at++;
    else if (text[at] === '"') isQuoted = !isQuoted;
    else if (text[at] === separator && !isQuoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
