// Index rotation: what Firehose appends to an index name, by a record's arrival in UTC. Source: developer guide,
// "Configure index rotation for OpenSearch Service".
import { type Moment, momentOf, weekOf, zoneOf } from '../delivery/zone.js'

export const ROTATION_PERIODS = ['NoRotation', 'OneHour', 'OneDay', 'OneWeek', 'OneMonth'] as const
export type RotationPeriod = (typeof ROTATION_PERIODS)[number]

const UTC = zoneOf('UTC', 'zone')
const two = (value: number) => String(value).padStart(2, '0')

const SUFFIXES: Readonly<Record<RotationPeriod, (moment: Moment) => string>> = {
  NoRotation: () => '',
  OneHour: (moment) => `${SUFFIXES.OneDay(moment)}-${two(moment.hour)}`,
  OneDay: (moment) => `${SUFFIXES.OneMonth(moment)}-${two(moment.day)}`,
  OneWeek(moment) {
    const { year, week } = weekOf(moment)
    return `-${year}-w${two(week)}`
  },
  OneMonth: ({ year, month }) => `-${year}-${two(month)}`,
}

/**
 * The index of a record that arrived at `time`, milliseconds since the epoch. Weeks are those of the guide's rule:
 * they begin on Sunday, and the first of a year is the one that holds its first Saturday, a week round New Year thus being the new
 * year's first. The guide's own example, w08 for 25 February 2016, is of another count: by the rule, that day is in w09.
 */
export function indexName(name: string, period: RotationPeriod, time: number): string {
  return `${name}${SUFFIXES[period](momentOf(time, UTC))}`
}
