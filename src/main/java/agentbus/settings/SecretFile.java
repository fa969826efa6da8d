package agentbus.settings;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/** A small file with a secret in it, readable by its owner only. */
public final class SecretFile {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWNER_ONLY_DIRECTORY = PosixFilePermissions.fromString("rwx------");

    private SecretFile() {}

    /**
     * Reads the secret, or writes one if there is none yet. Two processes that do so at once end up with the same secret.
     *
     * @param file where it lives; missing directories are made for the owner only
     * @param secret called when the file does not exist
     * @return the content without surrounding blanks
     * @throws StartFailure if it cannot be read or written; names the file
     */
    public static String readOrCreate(Path file, Supplier<String> secret) {
        if (!Files.exists(file)) {
            create(file, secret.get());
        }
        return read(file);
    }

    /**
     * Reads the secret.
     *
     * @param file an existing file
     * @return the content without surrounding blanks, never empty
     * @throws StartFailure if it cannot be read or is empty; names the file
     */
    public static String read(Path file) {
        try {
            String content = Files.readString(file).strip();
            if (content.isEmpty()) {
                throw new StartFailure(file + " is empty; it must hold a secret (remove it to have a new one made)");
            }
            return content;
        } catch (IOException e) {
            throw new StartFailure("cannot read " + file + ": " + reason(e), e);
        }
    }

    /**
     * Makes a directory for the owner only, with those above it.
     *
     * @param directory one that exists already is left as it is
     * @throws StartFailure if it cannot be made; names the directory
     */
    public static void createDirectories(Path directory) {
        try {
            Files.createDirectories(directory, attributes(OWNER_ONLY_DIRECTORY));
        } catch (IOException e) {
            throw new StartFailure("cannot make the directory " + directory + ": " + reason(e), e);
        }
    }

    /**
     * The permissions by which others than the owner may get at the file.
     *
     * @param file an existing file
     * @return its mode such as {@code 644}, or an empty text when only the owner may, or the file system has no modes
     */
    public static String openMode(Path file) {
        if (!posix()) {
            return "";
        }
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            return permissions.stream().anyMatch(SecretFile::forOthers) ? octal(permissions) : "";
        } catch (IOException e) {
            throw new StartFailure("cannot read the permissions of " + file + ": " + reason(e), e);
        }
    }

    /**
     * A secret nobody can guess.
     *
     * @return 32 random bytes in base64url without padding, 43 characters
     */
    public static String random() {
        byte[] bytes = new byte[32];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /**
     * What an input or output error says, in words; most of them carry only a file name as their message.
     *
     * @param e the error
     * @return a few words
     */
    public static String reason(IOException e) {
        if (e instanceof java.nio.file.AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof java.nio.file.NoSuchFileException) {
            return "no such file";
        }
        if (e instanceof FileAlreadyExistsException) {
            return "a file of that name is in the way";
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    private static void create(Path file, String content) {
        createDirectories(file.toAbsolutePath().getParent());
        Path draft = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
        try {
            try {
                write(draft, content);
                publish(draft, file);
            } finally {
                Files.deleteIfExists(draft);
            }
        } catch (FileAlreadyExistsException e) {
            // Another process was quicker: its secret is the one.
            return;
        } catch (IOException e) {
            throw new StartFailure("cannot write " + file + ": " + reason(e), e);
        }
    }

    private static void write(Path draft, String content) throws IOException {
        Set<StandardOpenOption> options = Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(draft, options, attributes(OWNER_ONLY))) {
            ByteBuffer bytes = ByteBuffer.wrap((content + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    /** A link appears with its whole content or not at all, and never replaces what is there. */
    private static void publish(Path draft, Path file) throws IOException {
        try {
            Files.createLink(file, draft);
        } catch (UnsupportedOperationException e) {
            Files.move(draft, file);
        }
    }

    private static boolean posix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    private static FileAttribute<?>[] attributes(Set<PosixFilePermission> permissions) {
        return posix()
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }

    private static boolean forOthers(PosixFilePermission permission) {
        return !permission.name().startsWith("OWNER");
    }

    private static String octal(Set<PosixFilePermission> permissions) {
        int mode = 0;
        for (PosixFilePermission permission : permissions) {
            // The enumeration runs from OWNER_READ (bit 8) to OTHERS_EXECUTE (bit 0).
            mode |= 1 << (8 - permission.ordinal());
        }
        return String.format("%03o", mode);
    }
}
