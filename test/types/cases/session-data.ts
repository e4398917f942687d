// What an application merges in, as the documentation says.
declare module '../../../lib/session/session-data.js' {
  interface SessionData {
    user: { id: string; name: string };
    visits: number;
  }
}

export {};
