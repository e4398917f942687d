import { promisify } from 'node:util';
import {
  Controller,
  Get,
  Header,
  Post,
  Redirect,
  Req,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { Flash, type FlashMessages } from 'nestjs-koa-session';
import { LoginGuard } from './login.guard.js';
import { escape, page } from './page.js';
import { ToLoginFilter } from './to-login.filter.js';

@Controller()
@UseFilters(ToLoginFilter)
export class LoginController {
  @Get('login')
  @Header('content-type', 'text/html; charset=utf-8')
  async form(@Flash() flash: FlashMessages): Promise<string> {
    const messages = await flash.take('login');
    return page(
      'Log in',
      `${messages.map((text) => `<p class="message" role="alert">${escape(text)}</p>`).join('')}
<form method="post" action="/login">
  <label>Name <input name="username" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Log in</button>
</form>
<p>Try <b>ann</b> with <b>correct horse</b>.</p>`,
    );
  }

  @Post('login')
  @UseGuards(LoginGuard)
  @Redirect('/', 303)
  login(): void {
    // The guard has done it.
  }

  @Post('logout')
  @Redirect('/login', 303)
  async logout(@Req() request: { logout(done: (error?: Error) => void): void }): Promise<void> {
    await promisify(request.logout.bind(request))();
  }
}
