declare module 'nestjs-koa-session/session' {
  interface SessionData {
    /** Under which name the browser chats. */
    name: string;
    /** How many messages it has sent. */
    sent: number;
  }
}

export {};
