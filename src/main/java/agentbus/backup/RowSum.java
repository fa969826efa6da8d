package agentbus.backup;

import agentbus.text.Sha256;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * The rows of a table as numbers: how many there are, their bytes, the SHA-256 of all bytes in their order, and the sum
 * of the SHA-256 of each row, which does not depend on the order. Two tables with the same sum hold the same rows.
 */
final class RowSum {
    private final MessageDigest whole = Sha256.digest();
    private final MessageDigest one = Sha256.digest();
    private final long[] sum = new long[4];
    private long rows;
    private long bytes;

    /**
     * Adds a row.
     *
     * @param row one line of COPY's text format, with the line break
     */
    void add(byte[] row) {
        whole.update(row);
        ByteBuffer digest = ByteBuffer.wrap(one.digest(row));
        for (int i = 0; i < sum.length; i++) {
            sum[i] += digest.getLong();
        }
        rows++;
        bytes += row.length;
    }

    /** Adds a row, and writes it to a stream. */
    void add(byte[] row, OutputStream out) throws IOException {
        add(row);
        out.write(row);
    }

    long rows() {
        return rows;
    }

    long bytes() {
        return bytes;
    }

    /** The SHA-256 of all bytes in their order, in hex. Ends the sum. */
    String sha256Hex() {
        return HexFormat.of().formatHex(whole.digest());
    }

    /** The sum over all rows, in hex. */
    String rowSum() {
        ByteBuffer all = ByteBuffer.allocate(sum.length * Long.BYTES);
        for (long part : sum) {
            all.putLong(part);
        }
        return HexFormat.of().formatHex(all.array());
    }
}
