/** The form that asks for a name. */
export function namePage(): string {
  return page(`<form method="post" action="/name">
  <label>Your name <input name="name" required autofocus></label>
  <button>Join</button>
</form>`);
}

/** The chat itself. */
export function chatPage(name: string, sent: number): string {
  return page(`<p>You are <b>${escape(name)}</b>, and have sent <b id="sent">${sent}</b> messages.</p>
<ul id="said"></ul>
<form id="say"><input id="text" aria-label="Message" autofocus> <button>Say</button></form>
<form method="post" action="/leave"><button>Leave</button></form>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws') + 'chat');
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    const line = document.createElement('li');
    line.textContent = message.event === 'said'
      ? message.data.name + ': ' + message.data.text
      : message.data.message;
    document.querySelector('#said').append(line);
  };
  document.querySelector('#say').onsubmit = (event) => {
    event.preventDefault();
    const input = document.querySelector('#text');
    socket.send(JSON.stringify({ event: 'say', data: input.value }));
    input.value = '';
  };
</script>`);
}

function page(body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Chat</title>
<style>
  body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 28rem; margin: 4rem auto; padding: 0 1rem }
  input, button { font: inherit; padding: .4rem }
  form { margin: 1rem 0 }
</style>
<h1>Chat</h1>
${body}
</html>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
