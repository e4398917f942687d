/** The rows that a table has room for at first. @internal */
export const FEW_ROWS = 64;

/** No row: rows are numbered from 1. @internal */
export const NO_ROW = 0;

/** `column` with room for more rows; the new ones hold 0. @internal */
export function longer<Column extends Uint32Array | Float64Array>(
  column: Column,
  rows: number,
): Column {
  const Type = column.constructor as new (length: number) => Column;
  const copy = new Type(rows);
  copy.set(column);
  return copy;
}
