declare module 'nestjs-koa-session/session' {
  interface SessionData {
    views: number;
  }
}

export {};
