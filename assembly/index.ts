// The ABI: every export, in the order a record meets them. Constants, exported globals, cross into core.ts and are taken out of the binary.
export { BAD_INPUT, INPUT_ENDS, mark, NO_MEMORY, OUTPUT_FULL, report, reserve, rewind, SLACK } from "./memory";
export { BASE64_BITS, BASE64_BYTE, BASE64_ENDS, base64Decode, base64Encode } from "./codec/base64";
export { MD5_STATE_SIZE, md5, md5Final, md5Init, md5Many, md5Update } from "./codec/md5";
export { MD5_LANES, md5Parts } from "./codec/md5-parts";
export { SHA256_STATE_SIZE, sha256, sha256Final, sha256Init, sha256Update } from "./codec/sha256";
export { crc32, crc32c } from "./codec/crc";
export { validUtf8 } from "./codec/utf8";
export { countFeeds, nthFeed, splitLines } from "./codec/lines";
export { formatHashKey, HASH_MALFORMED, HASH_RANGE, parseHashKey } from "./record/hash-key";
export { ABSENT, ROW_SIZE } from "./record/batch";
export { KEY_LENGTH, KEY_LIMIT, keyRows, shardMany, UNCOVERED } from "./record/shard";
export { ASK_HOST, ndjsonRows } from "./record/ndjson";
export { shardText } from "./record/shard-text";
export { aggregatePlan, aggregateRows, aggregateWrite } from "./record/aggregate";
export { aggregatePlanSize } from "./record/aggregate-plan";
export {
  AGGREGATED, AS_KCL, BAD_CHECKSUM, BAD_HASH_INDEX, BAD_HASH_KEY, BAD_KEY_INDEX, BAD_PROTOBUF, deaggregate, deaggregateSize, NO_RECORDS, OUT_OF_RANGE, SCRATCH_ENTRY, SCRATCH_OUTER,
  STRICT, TRUNCATED, VERIFY,
} from "./record/deaggregate";
export { TAR_GNU, TAR_ROW, tarHeaders } from "./archive/tar";
export { TAR_CHECKSUM, TAR_ENTRY, TAR_LONG, TAR_NAME, TAR_NUMBER, TAR_PAX, TAR_SPARSE, tarEntry } from "./archive/untar";
export { snappyBound, snappyCompress, snappyDecompress } from "./codec/snappy";
export { lz4Bound, lz4Compress } from "./codec/lz4";
export { xxHash64 } from "./codec/xxhash";
export { deltaBound, deltaIntegers, deltaLengths, deltaStrings } from "./columnar/delta";
export { splitBytes } from "./columnar/bytesplit";
export { BLOOM_BLOCK, bloomFold, bloomInsert } from "./columnar/bloom";
export {
  COLUMN_CAPACITY, COLUMN_COUNT, COLUMN_ENTRIES, COLUMN_LEVELS, COLUMN_MAX_DEF, COLUMN_MAX_REP, COLUMN_NAME, COLUMN_NAME_SIZE, COLUMN_NULLABLE,
  COLUMN_ORDER, COLUMN_PARAM, COLUMN_PHYSICAL, COLUMN_REPS, COLUMN_ROWS, COLUMN_SIZE, COLUMN_TEXT, COLUMN_TYPE, COLUMN_UNIT, COLUMN_VALUES, COLUMN_WIDTH,
  ORDER_BYTES, ORDER_DECIMAL, ORDER_FLOATING, ORDER_NONE, ORDER_SIGNED, ORDER_UNSIGNED,
  TYPE_BINARY, TYPE_BOOLEAN, TYPE_DATE, TYPE_DECIMAL, TYPE_DOUBLE, TYPE_FLOAT, TYPE_INT32, TYPE_INT64, TYPE_INT96, TYPE_JSON, TYPE_STRING, TYPE_TIME,
  TYPE_TIMESTAMP, TYPE_UNSIGNED, TYPE_UUID,
} from "./columnar/columns";
export {
  JSON_ARRAY_ENDS, JSON_BASE64, JSON_CLOCK, JSON_CONTROL, JSON_DATE, JSON_DEPTH, JSON_ESCAPE, JSON_FRACTION, JSON_HEX, JSON_LINE_ENDS, JSON_MISSING,
  JSON_NO_ITEM, JSON_NOT_OBJECT, JSON_NULL, JSON_NUMBER, JSON_PRECISION, JSON_RANGE, JSON_SCALE, JSON_SEPARATOR, JSON_SURROGATE, JSON_SYNTAX, JSON_TEXT_ENDS, JSON_TIME,
  JSON_TRAILING, JSON_TYPE, JSON_TYPED, JSON_UNKNOWN, JSON_UTF8, JSON_UUID, MAX_DEPTH,
} from "./codec/json";
export {
  GROUP_BEHIND, GROUP_COUNT, GROUP_DEF, GROUP_DEPTH, GROUP_FOLD, GROUP_GROUPS, GROUP_LEAVES, GROUP_MEMBERS, GROUP_REP, GROUP_SIZE, GROUP_STRANGERS,
  TYPE_LIST, TYPE_MAP, TYPE_STRUCT,
} from "./columnar/groups";
export { FOLD_CASE, FOLD_DOTS, objectSize, openObject } from "./columnar/keys";
export { COERCE_CASED, COERCE_EXACT } from "./columnar/coerce";
export { TIME_TEXT } from "./columnar/epoch";
export { SCAN_COERCION, scanInit, scanPass, scanRows, scanSettle, scanSource } from "./columnar/json";
export { SCAN_APPEND, SCAN_DYNAMODB, SCAN_FINAL, SCAN_FIRST, SCAN_REFUSE, SCAN_STATE } from "./columnar/records";
export { FORMAT_AUTO, FORMAT_DOCUMENTS, FORMAT_LINES } from "./columnar/frame";
export {
  CODEC_LZ4, CODEC_NONE, CODEC_SNAPPY, COLUMN_BLOOM, COLUMN_BLOOM_RATE, COLUMN_ENCODING, ENCODING_AUTO, ENCODING_SMALLEST, ENCODING_SMALLEST_PACKED, grantBlock,
  PAGES_READY,
} from "./columnar/chunk";
export { PAGE_CHUNK, PAGE_DICTIONARY } from "./columnar/page";
export { appendBatch, finishRowGroup, openWriter, resetRowGroup, rowGroupBytes, takePages } from "./columnar/rowgroup";
export { growSplit, openSplit, splitBatch, splitGroups, splitIds, splitText } from "./columnar/split";
export { unpackRows } from "./columnar/unpack";
