// Why a kernel refused a record, in words.
import * as core from '../../engine/transform-core.js'

const EXPECTED: Record<number, string> = {
  [core.APACHE_HOST]: 'a host and a space',
  [core.APACHE_IDENT]: 'an identity (RFC 1413) or - and a space',
  [core.APACHE_USER]: "a user's name or - and a space",
  [core.APACHE_TIME]: 'a time such as [07/Mar/2004:16:10:02 -0800]',
  [core.APACHE_REQUEST]: 'a request in quotes',
  [core.APACHE_STATUS]: 'a status of three digits',
  [core.APACHE_BYTES]: 'the size of the response in digits or -',
  [core.SYSLOG_PRIORITY]: 'a priority from <0> to <191>',
  [core.SYSLOG_TIME]: 'a time such as Jan 12 06:30:00 or 2003-10-11T22:14:15.003Z',
  [core.SYSLOG_HOST]: "a host's name",
  [core.SYSLOG_FIELD]: 'host, program, process and message id, a space behind each (RFC 5424)',
  [core.SYSLOG_STRUCTURED]: 'structured data or - (RFC 5424)',
  [core.JSON_NOT_OBJECT]: 'a JSON object, or the end of the record',
  [core.JSON_TEXT_ENDS]: 'the rest of a JSON object',
  [core.JSON_CONTROL]: 'an escape in place of a control character',
  [core.JSON_ESCAPE]: 'an escape of JSON',
  [core.JSON_DEPTH]: `at most ${core.MAX_DEPTH} levels of nesting`,
  [core.JSON_UTF8]: 'UTF-8',
  [core.JSON_TYPED]: 'a value as DynamoDB types it, such as {"S":"x"} or {"N":"5"}',
  [core.JSON_NO_ITEM]: 'a record of a DynamoDB stream, with Keys, NewImage or OldImage',
}

/** For people; quotes nothing of the payload. `position` counts in the record once it is decoded and opened. */
export const explainReason = (reason: number, position: number): string => `byte ${position}: expected ${EXPECTED[reason] ?? 'JSON'}, got something else`
