export type { BodyParserOptions, BodyParserType } from './body-parser.js';
export type { KoaContext, KoaMiddleware } from './context.js';
export { Ctx, State } from './decorators.js';
export type {
  FileCallback,
  KoaCookieOptions,
  KoaRequest,
  KoaResponse,
  ResponseFormats,
  SendFileOptions,
  ViewCallback,
} from './exchange.js';
export { KoaAdapter } from './koa-adapter.js';
export { fromConnect, fromKoa } from './middleware-kind.js';
export type { ConnectErrorMiddleware, ConnectMiddleware } from './middleware-kind.js';
export {
  AnyFilesInterceptor,
  FileFieldsInterceptor,
  FileInterceptor,
  FilesInterceptor,
  NoFilesInterceptor,
} from './multer/interceptors.js';
export { MulterModule } from './multer/multer.module.js';
export { MULTER_MODULE_OPTIONS } from './multer/options.js';
export type {
  MulterField,
  MulterLimits,
  MulterModuleAsyncOptions,
  MulterOptions,
  MulterOptionsFactory,
  MulterStorage,
  UploadedFileInfo,
} from './multer/options.js';
export type { NestKoaApplication } from './nest-koa-application.js';
export type { KoaAdapterOptions } from './options.js';
export type { KoaServer } from './server.js';
export type { FileOptions, ServeStaticOptions } from './static-assets.js';
export type { ViewEngine } from './views.js';
