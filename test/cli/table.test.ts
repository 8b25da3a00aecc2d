import { expect, it } from 'vitest'
import { table } from '../../src/cli/table.js'

const columns = [
  { head: 'column', cells: ['customer.address.street', 'n'], least: 10 },
  { head: 'type', cells: ['string', 'int64'], drop: 2 },
  { head: 'nulls', cells: ['5', '1,000'], right: true, drop: 1 },
  { head: 'size', cells: ['1.0 MB', '2 B'], right: true },
]

it('is as wide as it takes', () => {
  expect(table(columns, 0)).toEqual([
    'column                   type    nulls    size',
    'customer.address.street  string      5  1.0 MB',
    'n                        int64   1,000     2 B',
  ])
  expect(table(columns, 46)).toEqual(table(columns, 0))
})

it('is cut to its width: first cells, in the middle, then columns, then lines', () => {
  expect(table(columns, 40)).toEqual([
    'column             type    nulls    size',
    'customer…s.street  string      5  1.0 MB',
    'n                  int64   1,000     2 B',
  ])
  expect(table(columns, 30)).toEqual(['column          type      size', 'custome…street  string  1.0 MB', 'n               int64      2 B'])
  expect(table(columns, 20)).toEqual(['column          size', 'custom…treet  1.0 MB', 'n                2 B'])
  expect(table(columns, 10).every((line) => line.length <= 10)).toBe(true)
})

it('counts the places that wide and joined characters take', () => {
  expect(
    table(
      [
        { head: 'c', cells: ['日本', 'e\u0301'] },
        { head: 'n', cells: ['1', '2'] },
      ],
      0,
    ),
  ).toEqual(['c     n', '日本  1', 'e\u0301     2'])
  expect(table([{ head: 'c', cells: ['日本語日本語'], least: 4 }], 7)).toEqual(['c', '日本…語'])
})
