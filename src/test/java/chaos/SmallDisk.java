package chaos;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A disk that fills up fast: a small file system in memory, on machines where one may be mounted. */
final class SmallDisk implements AutoCloseable {
    private static final String SIZE = "220m";
    private static final int CHUNK = 65_536;

    private final Path directory;
    private final Path ballast;

    /** The disk that {@link #mount} has put there. */
    SmallDisk(Path directory) {
        this.directory = directory;
        this.ballast = directory.resolve("ballast");
    }

    /**
     * Mounts it.
     *
     * @param directory where
     * @return null, or why that cannot be done here
     */
    static String mount(Path directory) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        try {
            Process mount = new ProcessBuilder(
                            "mount", "-t", "tmpfs", "-o", "size=" + SIZE + ",mode=0777", "tmpfs", directory.toString())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(mount.getInputStream().readAllBytes()).strip();
            return mount.waitFor() == 0 ? null : "no file system of its own for the database: " + said;
        } catch (IOException noProgram) {
            return "no file system of its own for the database: there is no program mount";
        }
    }

    /** Fills the disk. */
    void fill() throws IOException {
        byte[] chunk = new byte[CHUNK];
        for (int size = CHUNK; size >= 1; size /= 16) {
            // A failed write may have been partial, so the last bytes are written one by one.
            try (OutputStream out = Files.newOutputStream(
                    ballast, java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.APPEND)) {
                while (Files.getFileStore(directory).getUsableSpace() > 0) {
                    out.write(chunk, 0, size);
                }
            } catch (IOException full) {
                // The disk is full, as it should be.
            }
        }
    }

    /** Frees the disk. */
    void free() throws IOException {
        Files.deleteIfExists(ballast);
    }

    @Override
    public void close() throws IOException {
        try {
            Process unmount = new ProcessBuilder("umount", directory.toString())
                    .inheritIO()
                    .start();
            if (unmount.waitFor() != 0) {
                // A process still has a file open there; the lazy unmount ends with it.
                new ProcessBuilder("umount", "-l", directory.toString())
                        .inheritIO()
                        .start()
                        .waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
