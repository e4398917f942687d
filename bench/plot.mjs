// Line plots as SVG, enough for three pictures.

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 70;
const RIGHT = 200;
const TOP = 50;
const BOTTOM = 60;
const COLOURS = ['#c0392b', '#2c6fbb', '#27864a', '#8e5bb5', '#7f7f7f'];

/** A scale from values to pixels, with its ticks. */
function scale(values, from, to, isLog) {
  const max = Math.max(...values);
  const min = isLog ? Math.min(...values) : 0;
  const position = (value) =>
    isLog ? Math.log(value / min) / Math.log(max / min || 2) : (value - min) / (max - min || 1);
  const at = (value) => from + position(value) * (to - from);
  return { at, ticks: isLog ? logTicks(min, max) : linearTicks(max) };
}

function linearTicks(max) {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => i * step);
}

function logTicks(min, max) {
  const ticks = [];
  for (let power = 10 ** Math.floor(Math.log10(min)); power <= max; power *= 10) {
    for (const tick of [power, 2 * power, 5 * power]) {
      if (tick >= min && tick <= max) ticks.push(tick);
    }
  }
  return ticks;
}

const text = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${content}</text>`;
const number = (value) => value.toLocaleString('en', { maximumFractionDigits: 1 });

/** `plot`: `{ title, x, y, lines: [{ name, points: [[x, y]] }], isLog, isLogX }`. */
export function svg({ title, x, y, lines, isLog = false, isLogX = isLog }) {
  const points = lines.flatMap((line) => line.points);
  const across = scale(
    points.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
    isLogX,
  );
  const up = scale(
    points.map(([, value]) => value),
    HEIGHT - BOTTOM,
    TOP,
    isLog,
  );
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  const parts = [
    text(middle, 28, title, 'text-anchor="middle" font-size="16" font-weight="bold"'),
    text(middle, HEIGHT - 16, x, 'text-anchor="middle"'),
    text(0, 0, y, `text-anchor="middle" transform="translate(18 ${HEIGHT / 2}) rotate(-90)"`),
  ];
  for (const tick of up.ticks) {
    const level = up.at(tick).toFixed(1);
    parts.push(`<path d="M${LEFT} ${level}H${WIDTH - RIGHT}" stroke="#ddd"/>`);
    parts.push(text(LEFT - 8, Number(level) + 4, number(tick), 'text-anchor="end"'));
  }
  for (const tick of across.ticks) {
    parts.push(
      text(across.at(tick).toFixed(1), HEIGHT - BOTTOM + 20, number(tick), 'text-anchor="middle"'),
    );
  }
  for (const [i, line] of lines.entries()) {
    const colour = COLOURS[i % COLOURS.length];
    const path = line.points.map(
      (point) => `${across.at(point[0]).toFixed(1)} ${up.at(point[1]).toFixed(1)}`,
    );
    parts.push(`<path d="M${path.join('L')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const each of path) {
      const [cx, cy] = each.split(' ');
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`);
    }
    const level = TOP + 16 + i * 22;
    parts.push(
      `<path d="M${WIDTH - RIGHT + 12} ${level - 4}h18" stroke="${colour}" stroke-width="2"/>`,
    );
    parts.push(text(WIDTH - RIGHT + 36, level, line.name));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}
