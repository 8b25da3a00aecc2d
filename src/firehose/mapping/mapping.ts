// A declarative mapping: what becomes of JSON records, said in plain data.

/** A value of JSON that is no object and no array. */
export type MappingScalar = string | number | boolean | null

/** Any value of JSON. */
export type MappingValue = MappingScalar | readonly MappingValue[] | { readonly [name: string]: MappingValue }

/**
 * Which records go on. `field` is a field of the record as it came; where it is missing, every comparison but `!=` is false.
 *
 * - `==` the same type and value; numbers are compared exactly, not as doubles: 1.0 is 1, 9007199254740993 is not 9007199254740992.
 *   Objects and arrays equal nothing. `!=` is its opposite: true of a missing field and of one of another type.
 * - `<` `<=` `>` `>=` two numbers, or two strings by their code points; false of anything else.
 * - `in` equal to one of the values. `exists` the record has the field, be it null.
 * - `prefix` `contains` of a string, what it begins with or has within; false of anything else.
 *
 * At most 60 levels of `and`, `or` and `not`.
 */
export type MappingCondition =
  | { and: readonly MappingCondition[] }
  | { or: readonly MappingCondition[] }
  | { not: MappingCondition }
  | { field: string; op: '==' | '!='; value: MappingScalar }
  | { field: string; op: '<' | '<=' | '>' | '>='; value: string | number }
  | { field: string; op: 'in'; value: readonly MappingScalar[] }
  | { field: string; op: 'prefix' | 'contains'; value: string }
  | { field: string; op: 'exists' }

/**
 * What a value is to become. Null stays null.
 *
 * - `string`: a number, true and false by their text, objects and arrays by their JSON as it came.
 * - `number`: text that is a number of JSON; its digits are kept, all of them.
 * - `int`: the same, and whole: 1.0 and `"10e-1"` become 1, 1.5 cannot be cast.
 * - `boolean`: the texts `true`, `false`, `1`, `0` and the numbers 1 and 0.
 * - `timestamp`, `sql-timestamp`: `"2026-03-01T12:00:00.000Z"`, `"2026-03-01 12:00:00.000"`, which Hive's and OpenX's SerDe take, both in UTC.
 * - `epoch-ms`, `epoch-s`: a whole number from the epoch.
 *
 * A time comes from text, `yyyy-MM-dd` or `yyyy-MM-dd(T| )HH:MM[:SS[.f]][zone]`, of UTC where it has no zone, or from a number: below 10^12
 * seconds, from there on milliseconds, as OpenX tells them apart. Digits past the millisecond are cut off, towards the past.
 */
export type MappingCast = 'string' | 'number' | 'int' | 'boolean' | 'timestamp' | 'sql-timestamp' | 'epoch-ms' | 'epoch-s'

/**
 * A text of the record, for metadata: a field, or one with a `default` where it is missing, null, "", an object or an array; or a text that
 * is always the same. Without default the record fails where there is no text. Numbers, true and false are their JSON.
 */
export type MappingText = string | { field: string; default?: string | undefined } | { value: string }

/**
 * What becomes of records that are JSON objects, one or several in a record (`{..}{..}`, or lines).
 *
 * A field is named by its member's name or, where that begins with `/`, by a JSON Pointer (RFC 6901): `/user/id`, `/items/0/sku`, `/a~1b`
 * for a member called `a/b`. Escapes in the record's keys are resolved before they are compared. Of a member that comes twice in an object
 * the last one is read, as by JSON.parse, and all of them are edited.
 *
 * The order: `where`, `partitionKeys` and `otf` see the record as it came; then fields are cast, redacted, hashed, renamed and removed where
 * they are; then `select`; then `flatten`; then `add`. What no part of the mapping names is copied byte for byte, numbers with all their
 * digits and white space included; the order of members stays.
 *
 * A record must be what JSON.parse takes of valid UTF-8, with at most 256 levels; else it fails. A lone surrogate (`"\ud800"`) is copied as it
 * stands, where a text is needed (hash, CSV, partition keys, comparisons) it is U+FFFD.
 */
export interface FirehoseMapping {
  /** What it turns away is dropped. */
  where?: MappingCondition | undefined
  /**
   * The members that come out, in this order, each from a field: `{ id: '/user/id' }`. What the record has not does not come out. Default:
   * all members of the record. (JavaScript puts names that are whole numbers first.)
   */
  select?: Readonly<Record<string, string>> | undefined
  /** New names of members, by field. A member that has the new name already is not replaced: name one of them in `remove`. Not of a field that is selected. */
  rename?: Readonly<Record<string, string>> | undefined
  /** What fields become, by field. */
  cast?: Readonly<Record<string, MappingCast>> | undefined
  /** Where a value cannot be cast: the record fails (default), the value becomes null, or it stays as it is. */
  onCast?: 'fail' | 'null' | 'keep' | undefined
  /** Fields whose value becomes null, or a value of yours: `{ '/card': '****' }`. */
  redact?: readonly string[] | Readonly<Record<string, MappingValue>> | undefined
  /**
   * Fields whose value becomes its SHA-256, 64 digits of lower-case hex: of `salt` and the string's text, or of the JSON of anything else, in
   * UTF-8. Null stays null. Who knows the salt can find short values by trying.
   */
  hash?: readonly string[] | undefined
  /** Put before every text that is hashed; default nothing. */
  salt?: string | undefined
  /** Fields that go. */
  remove?: readonly string[] | undefined
  /** Members that come last, with values of yours; one of the record that has the same name goes. */
  add?: Readonly<Record<string, MappingValue>> | undefined
  /**
   * Whether the members of objects within become members of the record, their names joined by `_` or by the text given: `{"a":{"b":1}}` is
   * `{"a_b":1}`. Arrays and objects without members stay. Two members that get one name are both written.
   */
  flatten?: boolean | string | undefined
  /**
   * `json` (default), or `csv`: for each record a line of RFC 4180 with the values of `select`, then of `add`, in order and without a heading.
   * Missing and null are nothing, an empty string is `""`, objects and arrays are JSON.
   */
  format?: 'json' | 'csv' | undefined
  /** `metadata.partitionKeys` of the answer, for dynamic partitioning. Several objects in one record must agree on them. */
  partitionKeys?: Readonly<Record<string, MappingText>> | undefined
  /** `metadata.otfMetadata` of the answer, for Iceberg tables. An operation is `insert`, `update` or `delete`. */
  otf?: { database?: MappingText | undefined; table?: MappingText | undefined; operation?: MappingText | undefined } | undefined
}
