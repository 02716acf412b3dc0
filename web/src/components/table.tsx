import type { ComponentChildren } from 'preact';

export interface Column<T> {
  /** Names the column; unique in its table. */
  id: string;
  head: ComponentChildren;
  cell(row: T): ComponentChildren;
  isNumber?: boolean;
  /** The cell that names its row. */
  isRowHead?: boolean;
}

interface TableProps<T> {
  /** Says to a screen reader what the table holds. */
  caption: string;
  columns: ReadonlyArray<Column<T>>;
  rows: readonly T[];
  rowKey(row: T): string;
}

/** A table that scrolls sideways by itself where the screen is narrow. */
export function Table<T>({ caption, columns, rows, rowKey }: TableProps<T>) {
  return (
    <div class="table-frame" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ id, head, isNumber }) => (
              <th key={id} scope="col" class={isNumber === true ? 'number' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map(({ id, cell, isNumber, isRowHead }) =>
                isRowHead === true ? (
                  <th key={id} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={id} class={isNumber === true ? 'number' : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
