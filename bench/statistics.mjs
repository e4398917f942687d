// Medians and quartiles.

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = Math.floor(at);
  const above = Math.ceil(at);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below);
}

export function median(values) {
  return quantile(values, 0.5);
}

/** The median, and the quartiles as the spread. */
export function summary(values) {
  return { value: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/** The slope of log(y) over log(x): 1 is linear growth, 2 is quadratic. */
export function growth(points) {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (at) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  let above = 0;
  let below = 0;
  for (const [x, y] of logs) {
    above += (x - mx) * (y - my);
    below += (x - mx) ** 2;
  }
  return above / below;
}
