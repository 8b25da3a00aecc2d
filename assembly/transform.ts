// The ABI of the second binary: what works on one record after the other, for the firehose stage alone.
// Constants cross as exported globals.
export { BAD_INPUT, mark, NO_MEMORY, OUTPUT_FULL, report, reserve, rewind, SLACK } from "./memory";
export { AGGREGATES, DECODED, GZIP, LOGS, NOT_CANONICAL, RECORD_ROW, TEXTS, transformRecords } from "./transform/frame";
export { ASK_HOST, DROPPED, OK, SAME } from "./transform/outcome";
export { CSV, KERNEL_APACHE, KERNEL_IDENTITY, KERNEL_JSON_ROW, KERNEL_MAPPING, KERNEL_STREAM_RECORD, KERNEL_SYSLOG } from "./transform/kernels";
export { APACHE_BYTES, APACHE_HOST, APACHE_IDENT, APACHE_REQUEST, APACHE_STATUS, APACHE_TIME, APACHE_USER } from "./transform/apache";
export { SYSLOG_FIELD, SYSLOG_HOST, SYSLOG_PRIORITY, SYSLOG_STRUCTURED, SYSLOG_TIME } from "./transform/syslog";
export { FLAG_CSV, FLAG_FLATTEN, FLAG_SELECT } from "./transform/mapping/program";
export {
  CAST_BOOLEAN, CAST_FAIL, CAST_INT, CAST_KEEP, CAST_MS, CAST_NULL, CAST_NUMBER, CAST_S, CAST_SQL, CAST_STRING, CAST_TIMESTAMP, EDIT_HASH, EDIT_REMOVE, EDIT_TEXT,
} from "./transform/mapping/edits";
export {
  WHERE_AND, WHERE_AT_LEAST, WHERE_AT_MOST, WHERE_CONTAINS, WHERE_EQUALS, WHERE_EXISTS, WHERE_GREATER, WHERE_LESS, WHERE_NOT, WHERE_OR, WHERE_PREFIX,
} from "./transform/mapping/where";
export { metadataEntries, PIECE_FIELD, PIECE_OPERATION, PIECE_TEXT } from "./transform/mapping/metadata";
export { MAP_CAST, MAP_DIFFERS, MAP_METADATA, MAP_SIZE } from "./transform/mapping/mapping";
export {
  JSON_CONTROL, JSON_DEPTH, JSON_ESCAPE, JSON_NO_ITEM, JSON_NOT_OBJECT, JSON_TEXT_ENDS, JSON_TYPED, JSON_UTF8, MAX_DEPTH,
} from "./codec/json";
