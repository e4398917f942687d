import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { KoaRequest, KoaResponse } from '../../../../lib/platform-koa/index.js';
import type { ParityRequest } from './requests.js';

/** Members of Express's request and response, used as applications use them. */
@Controller('members')
class MembersController {
  @Get('format') format(@Res() res: KoaResponse) {
    res.format({
      'text/plain': () => res.send('plain'),
      html: (_req, same) => same.send('<p>html</p>'),
      json: () => res.json({ as: 'json' }),
    });
  }
  @Get('format-default') formatDefault(@Res() res: KoaResponse) {
    res.format({ html: () => res.send('<p>'), default: () => res.status(406).send('only HTML') });
  }
  @Get('links') links(@Res() res: KoaResponse) {
    res.links({ next: '/page/2', last: '/page/5' }).links({ alternate: ['/de', '/fr'] });
    res.send('linked');
  }
  @Get('app') app(@Req() req: KoaRequest, @Res({ passthrough: true }) res: KoaResponse) {
    const { app } = req as unknown as {
      app: { get(name: string): unknown; enabled(name: string): boolean };
    };
    return {
      isSame: req.app === res.app,
      settings: [app.get('view engine'), app.get('trust proxy'), app.enabled('nothing')],
    };
  }
  @Get('numbers') numbers(@Res() res: KoaResponse) {
    res.send(42 as never);
  }
  @Get('view') view(@Res() res: KoaResponse) {
    res.send(new Uint8Array([65, 66]));
  }
  @Get('typed-bytes') typedBytes(@Res() res: KoaResponse) {
    res.type('png').send(Buffer.from('x'));
  }
  @Get('other-charset') otherCharset(@Res() res: KoaResponse) {
    res.type('text/plain; charset=iso-8859-1').send('ü');
  }
  @Get('unknown-type') unknownType(@Res() res: KoaResponse) {
    res.type('no-such-extension').send('x');
  }
  @Get('status-message') statusMessage(@Res() res: KoaResponse) {
    res.statusMessage = 'Very Good';
    res.json({ a: 1 });
  }
  @Get('status-message-returned') returned(@Res({ passthrough: true }) res: KoaResponse) {
    res.statusMessage = 'Very Good';
    return { a: 1 };
  }
  @Get('status-text') statusText(@Res() res: KoaResponse) {
    res.status('404' as never).send('x');
  }
  @Get('status-1000') tooHigh(@Res() res: KoaResponse) {
    res.status(1000).send('x');
  }
  @Get('own-status') ownStatus(@Res() res: KoaResponse) {
    res.sendStatus(599);
  }
  @Get('no-content') noContent(@Res() res: KoaResponse) {
    res.status(204).json({ a: 1 });
  }
  @Get('not-modified') notModified(@Res() res: KoaResponse) {
    res.status(304).send('x');
  }
  @Get('unsafe-redirect') unsafeRedirect(@Res() res: KoaResponse) {
    res.redirect('/"><script>alert(1)</script>');
  }
  @Get('write-head') writeHead(@Res() res: KoaResponse) {
    res.writeHead(200, ['x-a', '1', 'x-a', '2']);
    res.end('x');
  }
  @Get('flush') async flush(@Res() res: KoaResponse) {
    res.type('text/plain').flushHeaders();
    res.write('a');
    await new Promise((resolve) => setTimeout(resolve, 2));
    res.end('b');
  }
  @Get('trailers') trailers(@Res() res: KoaResponse) {
    res.writeHead(200, { trailer: 'x-t' });
    res.write('a');
    res.addTrailers({ 'x-t': '1' });
    res.end();
  }
  @Get('early-hints') earlyHints(@Res() res: KoaResponse) {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.send('x');
  }
  @Get('end-and-return') endAndReturn(@Res() res: KoaResponse) {
    res.end('ended');
    return { ignored: true };
  }
  @Get('send-and-return') sendAndReturn(@Res({ passthrough: true }) res: KoaResponse) {
    res.send('sent');
    return { tooMuch: true };
  }
  @Get('redirect-and-return') redirectAndReturn(@Res({ passthrough: true }) res: KoaResponse) {
    res.redirect('/elsewhere');
  }
  @Get('cookie-attributes') cookieAttributes(@Res() res: KoaResponse) {
    const secure = { domain: 'e.com', secure: true, sameSite: true, partitioned: true } as const;
    res.cookie('secure', 'x', { ...secure, priority: 'high' });
    res.cookie('none', 'x', { sameSite: 'none', expires: new Date(0) });
    res.cookie('null-path', 'x', { path: null as never, maxAge: null as never });
    res.cookie('nothing', undefined).cookie('null', null).cookie('number', 5).cookie('list', ['a']);
    res.cookie('encoded', 'x', { encode: (value) => `${value}!` });
    res.clearCookie('old', { path: '/x', httpOnly: true, maxAge: 5000 });
    res.send('x');
  }
  @Get('bad-cookie-name') badCookieName(@Res() res: KoaResponse) {
    res.cookie('a b', 'x').send('x');
  }
  @Get('bad-cookie-age') badCookieAge(@Res() res: KoaResponse) {
    res.cookie('a', 'x', { maxAge: 'soon' as never }).send('x');
  }
  @Get('unsigned-cookie') unsignedCookie(@Res() res: KoaResponse) {
    res.cookie('a', 'x', { signed: true }).send('x');
  }
  @Get('parameters{/:a}{/:b}') parameters(@Param() all: object) {
    return { all };
  }
  @Get('dash/:a-:b') dash(@Param() all: object) {
    return { all };
  }
  @Get('dot/:name.:ext') dot(@Param() all: object) {
    return { all };
  }
  @Get('wild/*rest/end') wild(@Param() all: object) {
    return { all };
  }
  @Get('legacy-plus/+') plus(@Param() all: object) {
    return { all };
  }
  @Get('legacy-star/(.*)') star(@Param() all: object) {
    return { all };
  }
  @Get(['several', 'paths/:x']) several(@Param() all: object) {
    return { all };
  }
  @Get('spéc/ial') special() {
    return 'special';
  }
  @Get('proto/:__proto__/:constructor') proto(@Param() all: object) {
    return { all, names: Object.keys(all) };
  }
}

export const controllers = [MembersController];

const accepting = (path: string, accept: string) => ({
  path: `/members/${path}`,
  headers: { accept },
});

export const requests: readonly ParityRequest[] = [
  ...[
    ...['format', 'format-default', 'links', 'app', 'numbers', 'view', 'typed-bytes'],
    ...['other-charset', 'unknown-type', 'status-message', 'status-message-returned'],
    ...['status-text', 'status-1000', 'own-status', 'no-content', 'not-modified'],
    ...['unsafe-redirect', 'write-head', 'flush', 'trailers', 'early-hints', 'end-and-return'],
    ...['send-and-return', 'redirect-and-return', 'bad-cookie-name', 'cookie-attributes'],
    ...['bad-cookie-age', 'unsigned-cookie', 'parameters', 'parameters/1', 'parameters/1/2'],
    ...['parameters/1/2/3', 'dash/a-b', 'dash/a-b-c', 'dot/a.b', 'dot/a.b.c', 'wild/a/b/end'],
    ...['wild/end', 'legacy-plus/a/b', 'legacy-plus', 'legacy-star/a/b', 'legacy-star'],
    ...['several', 'paths/%41', 'paths/a%00b', 'paths/a;b=c', 'paths/a+b', 'sp%C3%A9c/ial'],
    ...['SP%C3%89C/ial', 'proto/x/y', '/several', '../members/several', './several'],
    ...['several?a=%', 'several?a[__proto__][x]=1', 'several#fragment'],
  ].map((name) => ({ path: `/members/${name}` })),
  accepting('format', 'application/json'),
  accepting('format', 'text/html'),
  accepting('format', 'image/png'),
  accepting('format-default', 'image/png'),
];
