import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-koa-session';
import { FilesStore } from './files.store.js';
import { FolderService } from './folder.service.js';
import { ViewsController } from './views.controller.js';

@Module({
  imports: [
    SessionModule.forRoot({
      keys: [process.env.SESSION_KEY ?? 'for trying this out only: set SESSION_KEY'],
      maxAge: 7 * 24 * 60 * 60 * 1000,
      store: FilesStore,
      // What the store injects. A module that exports it goes into `imports` instead.
      extraProviders: [FolderService],
    }),
  ],
  controllers: [ViewsController],
})
export class AppModule {}
