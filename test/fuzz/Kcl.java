// The KCL's own AggregatorUtil for `npm run fuzz -- --kcl CLASSPATH` (kcl.ts). A case on stdin: its length (4 bytes),
// the data, first and last hash key (16 bytes each). A line on stdout: what the KCL delivers, records apart by
// ";": aggregated, sub-sequence number, partition key, explicit hash key or "-", data; texts and data in base64.
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

public class Kcl {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false);
        System.setOut(System.err);
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        StringBuilder lines = new StringBuilder();
        while (true) {
            int size;
            try {
                size = in.readInt();
            } catch (EOFException end) {
                break;
            }
            byte[] data = in.readNBytes(size);
            BigInteger first = new BigInteger(1, in.readNBytes(16)), last = new BigInteger(1, in.readNBytes(16));
            KinesisClientRecord record = KinesisClientRecord.builder().data(ByteBuffer.wrap(data)).partitionKey("outer").sequenceNumber("1").build();
            try {
                List<KinesisClientRecord> records = new AggregatorUtil().deaggregate(List.of(record), first, last);
                lines.append(records.stream().map(Kcl::text).collect(Collectors.joining(";")));
            } catch (Throwable thrown) {
                lines.append('!').append(thrown);
            }
            lines.append('\n');
            if (lines.length() > 1 << 16) {
                out.print(lines);
                lines.setLength(0);
            }
        }
        out.print(lines);
        out.flush();
    }

    private static String text(KinesisClientRecord record) {
        byte[] data = new byte[record.data().remaining()];
        record.data().duplicate().get(data);
        String hash = record.explicitHashKey() == null ? "-" : base64(record.explicitHashKey().getBytes(StandardCharsets.UTF_8));
        return String.join(",", String.valueOf(record.aggregated()), String.valueOf(record.subSequenceNumber()),
                base64(record.partitionKey().getBytes(StandardCharsets.UTF_8)), hash, base64(data));
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }
}
