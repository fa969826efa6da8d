package agentbus.db;

import java.io.IOException;
import java.nio.file.Path;

/** A process that opens the database of a home directory until its standard input ends. */
final class HoldDatabase {
    private HoldDatabase() {}

    public static void main(String[] arguments) throws IOException {
        try (Database database = Database.open(Sandbox.settings(Path.of(arguments[0])))) {
            System.out.println(database.port());
            while (System.in.read() >= 0) {
                // Only the end of the input counts.
            }
        }
    }
}
