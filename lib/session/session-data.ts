/**
 * What an application keeps in its sessions. Empty here: an application merges its own keys in,
 * and `ctx.session`, `@Session()` and the guards are typed from then on.
 *
 * @example
 * ```ts
 * declare module 'nestjs-koa-session/session' {
 *   interface SessionData {
 *     userId: string;
 *     views: number;
 *   }
 * }
 * ```
 * @publicApi
 */
export interface SessionData {}
