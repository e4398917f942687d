/**
 * The order of one round: every other round is the one before backwards, and then another comes
 * first. So all follow all others, and all are now and then twice in a row.
 */
export function inTurn(contestants, round) {
  const first = (round >> 1) % contestants.length;
  const order = [...contestants.slice(first), ...contestants.slice(0, first)];
  return round % 2 === 0 ? order : order.reverse();
}
