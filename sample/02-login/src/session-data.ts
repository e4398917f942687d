declare module 'nestjs-koa-session/session' {
  interface SessionData {
    /** Passport's own key: who is logged in. */
    passport: { user?: string };
    /** How often the account page was shown since the login. */
    visits: number;
  }
}

export {};
