// The package has no types of its own.
declare module 'zstd-codec' {
  const module: { ZstdCodec: import('../src/parquet/file/codec.js').ZstdCodecModule }
  export default module
}
