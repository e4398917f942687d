// The engine alone: the Koa applications of the contest, driven in this process.
import { koaApps } from '../apps/koa.mjs';
import { tellsOf } from '../data.mjs';
import { cookieOf, driver, pairedCalls } from '../in-process.mjs';

export default async function engine(settings, progress) {
  const calls = {};
  for (const name of settings.apps ?? Object.keys(koaApps)) {
    const makeApp = koaApps[name];
    const drive = driver(makeApp());
    calls[`${name} /none`] = () => drive('/none');
    if (!name.includes(',')) continue;
    const login = await drive('/login');
    if (login.statusCode !== 200)
      throw new Error(`"${name}" answered /login with ${login.statusCode}`);
    const cookie = cookieOf(login);
    const [answer] = (await drive('/read', cookie)).outputData;
    const body = answer.data.slice(answer.data.indexOf('\r\n\r\n') + 4);
    if (!tellsOf(body, false)) throw new Error(`"${name}" forgot its session`);
    calls[`${name} /none`] = () => drive('/none', cookie);
    calls[`${name} /read`] = () => drive('/read', cookie);
    let sent = cookie;
    calls[`${name} /change`] = async () => {
      const changed = await drive('/change', sent);
      sent = cookieOf(changed);
      return changed;
    };
  }
  return pairedCalls(calls, settings, progress);
}
