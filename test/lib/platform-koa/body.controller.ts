import { Body, Controller, Post, UseInterceptors } from '@nestjs/common';
import { AnyFilesInterceptor } from '../../../lib/platform-koa/index.js';

/** Takes bodies of every kind, for tests of those that are wrong or break off. */
@Controller()
export class BodyController {
  @Post('body') body(@Body() body: unknown) {
    return { body };
  }
  @Post('upload')
  @UseInterceptors(AnyFilesInterceptor())
  upload() {
    return 'received';
  }
}
