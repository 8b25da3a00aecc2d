// Each rule of the deserializers as a case, with where it is from:
//   D       Firehose's developer guide, "Convert input data format", and the API reference
//   probed  seen on real AWS in September 2026 by the authors of floci (PRs 3333, 3521 and their tests)
//   hive    org.apache.hive.hcatalog.data.JsonSerDe, whose messages Firehose's are
//   logs    "Monitor Amazon Data Firehose using CloudWatch Logs", data format conversion errors, and an error object of 2026
//   own     no source says; what is done here

/** [column's type, JSON of its value, its cell as text, source]: the column is called `v`. */
export type Case = [type: string, json: string, cell: string | null, source: string]

const MISMATCH = 'Data does not match the schema.'

export const OPENX_CASES: Case[] = [
  ['int', 'null', null, 'probed'],
  ['int', '"10"', '10', 'probed'],
  ['double', '"1.5"', '1.5', 'probed'],
  ['decimal(5,2)', '"1.5"', '1.50', 'probed'],
  ['decimal(5,2)', '12.345', '12.35', 'probed'],
  ['decimal(5,2)', '-12.345', '-12.35', 'probed'],
  ['decimal', '7.5', '8', 'probed'],
  ['string', '42', '42', 'probed'],
  ['string', '1.50', '1.50', 'own'],
  ['string', 'true', 'true', 'probed'],
  ['string', '{"nested": 1}', '{"nested":1}', 'probed'],
  ['string', '["a", "b"]', '["a","b"]', 'probed'],
  ['string', '{"Outer": {"Inner": 1}}', '{"outer":{"inner":1}}', 'probed'],
  ['varchar(3)', '"abcdef"', 'abcdef', 'own'],
  ['boolean', '"TRUE"', 'true', 'probed'],
  ['array<string>', '"notanarray"', '[notanarray]', 'probed'],
  ['array<string>', '[1, 2, 3]', '[1, 2, 3]', 'probed'],
  ['array<string>', '[["a", "b"]]', '[\'["a","b"]\']', 'probed'],
  ['array<string>', '[{"MixedKey": 1}]', '[\'{"mixedkey":1}\']', 'probed'],
  ['array<string>', '["a", null, "c"]', '[a, NULL, c]', 'probed'],
  ['array<string>', '[]', '[]', 'probed'],
  ['array<struct<sku:string,qty:int>>', '{"sku": "x", "qty": 1}', "[{'sku': x, 'qty': 1}]", 'probed'],
  ['array<struct<sku:string,qty:int>>', '[null]', '[NULL]', 'probed'],
  ['struct<name:string,age:int>', '["Zoe", 9, "ignored"]', "{'name': Zoe, 'age': 9}", 'probed'],
  ['struct<name:string,age:int>', '["Zoe"]', "{'name': Zoe, 'age': NULL}", 'probed'],
  ['struct<name:string,age:int>', '{"NAME": "Bob", "AGE": "41"}', "{'name': Bob, 'age': 41}", 'probed'],
  ['struct<name:string,age:int>', '{"name": "Carol", "extra": 1}', "{'name': Carol, 'age': NULL}", 'probed'],
  ['struct<name:string,age:int>', '{}', "{'name': NULL, 'age': NULL}", 'probed'],
  ['map<string,array<string>>', '{"MixedKey": ["v"]}', '{mixedkey=[v]}', 'probed'],
  ['map<string,string>', '{"k": null}', '{k=NULL}', 'probed'],
  ['map<string,string>', '{}', '{}', 'probed'],
  ['timestamp', '"2017-02-07T15:13:01.39256Z"', '2017-02-07 15:13:01.39256', 'D'],
  ['timestamp', '"2017-02-07 15:13:01.14"', '2017-02-07 15:13:01.14', 'D'],
  ['timestamp', '"2026-9-7 1:2:3"', '2026-09-07 01:02:03', 'probed'],
  ['timestamp', '1518033528', '2018-02-07 19:58:48', 'D'],
  ['timestamp', '1518033528123', '2018-02-07 19:58:48.123', 'D'],
  ['timestamp', '1518033528.123', '2018-02-07 19:58:48.123', 'D'],
  ['timestamp', '"1518033528"', '2018-02-07 19:58:48', 'probed'],
  ['timestamp', '999999999999', '33658-09-27 01:46:39', 'probed'],
  ['timestamp', '1000000000000', '2001-09-09 01:46:40', 'probed'],
  ['date', '"2026-9-7"', '2026-09-07', 'probed'],
]

export const HIVE_CASES: Case[] = [
  ['int', '10', '10', 'probed'],
  ['string', '42', '42', 'probed'],
  ['boolean', '"true"', 'true', 'hive'],
  ['decimal(5,2)', '12.345', '12.35', 'hive'],
  ['array<string>', '[1, 2, 3]', '[1, 2, 3]', 'probed'],
  ['array<string>', '["a", null]', '[a, NULL]', 'probed'],
  ['struct<name:string,age:int>', '{"NAME": "Bob", "AGE": 2}', "{'name': Bob, 'age': 2}", 'probed'],
  ['struct<name:string,age:int>', '{"name": "Dan", "extra": 1}', "{'name': Dan, 'age': NULL}", 'probed'],
  ['struct<name:string,age:int>', '{}', "{'name': NULL, 'age': NULL}", 'probed'],
  ['map<string,array<string>>', '{"MixedKey": ["v"]}', '{MixedKey=[v]}', 'probed'],
  ['timestamp', '"2017-02-07 15:13:01.14"', '2017-02-07 15:13:01.14', 'D'],
  ['date', '"2026-9-7"', '2026-09-07', 'hive'],
]

/** [column's type, JSON of its value, message, source]: all MalformedData. */
export type Refusal = [type: string, json: string, message: string, source: string]

export const OPENX_REFUSALS: Refusal[] = [
  ['double', '"oops"', `${MISMATCH} For input string: "oops"`, 'probed'],
  ['array<struct<sku:string,qty:int>>', '[{"sku": "s5", "qty": "oops"}]', `${MISMATCH} For input string: "oops"`, 'probed'],
  ['struct<name:string,age:int>', '42', `${MISMATCH} Data is not JSONObject  but java.lang.Long with value 42`, 'probed'],
  ['struct<name:string,age:int>', '"x"', `${MISMATCH} Data is not JSONObject  but java.lang.String with value x`, 'probed'],
  ['map<string,string>', '[["k", "v"]]', `${MISMATCH} column "v" expected an object, got an array`, 'own'],
  ['tinyint', '128', `${MISMATCH} column "v" expected int8, got a number out of its range`, 'own'],
  ['int', '1.5', `${MISMATCH} column "v" expected int32, got a number that is not whole`, 'own'],
  ['decimal(4,2)', '123.4', `${MISMATCH} column "v" expected decimal(4,2), got more digits than it has`, 'own'],
  ['timestamp', '"2026-05-21T14:00:00+00:00"', `${MISMATCH} column "v" expected timestamp, got text in a form that openx does not read`, 'D'],
  ['timestamp', '"2026-9-7T12:00:02Z"', `${MISMATCH} column "v" expected timestamp, got text in a form that openx does not read`, 'probed'],
  ['timestamp', '{}', `${MISMATCH} column "v" expected timestamp, got an object`, 'own'],
  ['boolean', '"yes"', `${MISMATCH} column "v" expected boolean, got a string`, 'own'],
]

const NOT_NUMERIC = `${MISMATCH} Current token (VALUE_STRING) not numeric, can not use numeric value accessors`
const ARRAY = `${MISMATCH} java.io.IOException: Start of Array expected`
const OBJECT = `${MISMATCH} java.io.IOException: Start of Object expected`
const VALIDATION = 'One or more fields have incorrect format. Exception when validating field (root)'

export const HIVE_REFUSALS: Refusal[] = [
  ['int', '"7"', NOT_NUMERIC, 'probed'],
  ['double', '"7"', NOT_NUMERIC, 'D'],
  ['decimal(5,2)', '"7"', NOT_NUMERIC, 'D'],
  ['struct<name:string,age:int>', '{"name": "Eve", "age": "7"}', NOT_NUMERIC, 'probed'],
  ['array<string>', '"solo"', ARRAY, 'probed'],
  ['array<struct<sku:string,qty:int>>', '{"sku": "x", "qty": 1}', ARRAY, 'probed'],
  ['map<string,array<string>>', '{"k": "notanarray"}', ARRAY, 'probed'],
  ['struct<name:string,age:int>', '["Bob", 41]', OBJECT, 'probed'],
  ['struct<name:string,age:int>', '42', OBJECT, 'probed'],
  ['map<string,string>', '[]', OBJECT, 'hive'],
  ['string', '{"nested": 1}', VALIDATION, 'probed'],
  ['array<string>', '[{"MixedKey": 1}]', VALIDATION, 'probed'],
  ['timestamp', '1518033528', `${MISMATCH} column "v" expected timestamp, got a number`, 'D'],
  ['timestamp', '"2017-02-07T15:13:01Z"', `${MISMATCH} column "v" expected timestamp, got text in a form that hive does not read`, 'D'],
]

/** [record, code, message, source], of any schema. */
export const RECORDS: [record: string, code: string, message: string, source: string][] = [
  ['', 'MalformedData', 'The record was empty or contained only whitespace.', 'logs'],
  [' \r\n\t\n', 'MalformedData', 'The record was empty or contained only whitespace.', 'logs'],
  ['7', 'MalformedData', 'The input JSON contained a primitive at the top level. The top level must be an object or array.', 'logs'],
  ['"x"\n', 'MalformedData', 'The input JSON contained a primitive at the top level. The top level must be an object or array.', 'logs'],
  ['[{"v":1},{"v":2}]', 'MalformedData', `${MISMATCH} An array of JSON documents is not a valid input.`, 'D'],
  ['this is not json at all\n', 'ParseError', 'Encountered malformed JSON. expected a JSON object, got text that is no JSON, from "t" on', 'probed'],
  ['{"v":', 'ParseError', 'Encountered malformed JSON. At byte 5: expected the document to end, got the end of the record', 'own'],
  ['{"v":1}{"v":', 'ParseError', 'Encountered malformed JSON. At byte 12: expected the document to end, got the end of the record', 'own'],
  ['{"v":1} x', 'ParseError', 'Encountered malformed JSON. At byte 8: expected the end of the record or a further object', 'own'],
  ['{"v":"a\nb"}', 'ParseError', 'Encountered malformed JSON. At byte 7: expected an escape, got a control character in a string', 'own'],
]
