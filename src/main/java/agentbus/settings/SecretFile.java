package agentbus.settings;

import agentbus.text.TextFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A small file with a secret in it, readable by its owner only. */
public final class SecretFile {
    private static final Logger LOG = LoggerFactory.getLogger(SecretFile.class);
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWNER_ONLY_DIRECTORY = PosixFilePermissions.fromString("rwx------");

    private SecretFile() {}

    /**
     * Reads the secret, or creates one if the file does not exist. Two processes that do this at once get the same
     * secret.
     *
     * @param file the file; missing directories are created for the owner only
     * @param secret makes the secret if the file does not exist
     * @return the content without surrounding blanks
     * @throws StartFailure if the file cannot be read or written; the message names the file
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
     * @throws StartFailure if the file cannot be read or is empty; the message names the file
     */
    public static String read(Path file) {
        try {
            String content = TextFile.read(file).strip();
            if (content.isEmpty()) {
                throw new StartFailure(file + " is empty; it must hold a secret (remove it to have a new one made)");
            }
            return content;
        } catch (IOException e) {
            throw new StartFailure("cannot read " + file + ": " + reason(e), e);
        }
    }

    /**
     * Creates a directory and its missing parents, for the owner only.
     *
     * @param directory the directory; if it exists already, it stays unchanged
     * @throws StartFailure if the directory cannot be created; the message names the directory
     */
    public static void createDirectories(Path directory) {
        try {
            Files.createDirectories(directory, attributes(OWNER_ONLY_DIRECTORY));
        } catch (IOException e) {
            throw new StartFailure("cannot make the directory " + directory + ": " + reason(e), e);
        }
    }

    /**
     * The mode of a file that strangers can access: users other than its owner who are not of its group, or of a group
     * that this process is not in. The process's own groups are no strangers, because Kubernetes gives the files of a
     * volume to the group of the pod (fsGroup) at each start.
     *
     * @param file an existing file
     * @return its mode, such as {@code 644}; an empty text if no stranger has access, or if the file system has no modes
     */
    public static String openMode(Path file) {
        if (!posix()) {
            return "";
        }
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            boolean toAll = permissions.stream()
                    .anyMatch(permission -> permission.name().startsWith("OTHERS"));
            boolean toGroup = permissions.stream()
                    .anyMatch(permission -> permission.name().startsWith("GROUP"));
            return toAll || toGroup && !ofOwnGroup(file) ? octal(permissions) : "";
        } catch (IOException e) {
            throw new StartFailure("cannot read the permissions of " + file + ": " + reason(e), e);
        }
    }

    /**
     * Makes a random secret.
     *
     * @return 32 random bytes in base64url without padding, 43 characters
     */
    public static String random() {
        byte[] bytes = new byte[32];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    /**
     * Describes an I/O error in words, because the message of most I/O errors is only a file name.
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
            // Another process was faster, so its secret is used.
            return;
        } catch (IOException e) {
            throw new StartFailure("cannot write " + file + ": " + reason(e), e);
        }
    }

    private static void write(Path draft, String content) throws IOException {
        try (FileChannel channel = create(draft)) {
            ByteBuffer bytes = ByteBuffer.wrap((content + "\n").getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    /**
     * Creates a file for the owner only.
     *
     * @param file the file; must not exist
     * @return an open channel that writes into it
     * @throws IOException if it cannot be created
     */
    public static FileChannel create(Path file) throws IOException {
        return FileChannel.open(
                file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes(OWNER_ONLY));
    }

    /**
     * Gives a draft its name. A link appears with its whole content, and never replaces an existing file. FAT, exFAT, SMB
     * and some FUSE file systems have no links; there the draft is renamed.
     *
     * @param draft a whole file in the same directory
     * @param file the name
     * @throws FileAlreadyExistsException if the name is taken
     * @throws IOException if the file system refuses both
     */
    public static void publish(Path draft, Path file) throws IOException {
        try {
            Files.createLink(file, draft);
        } catch (FileAlreadyExistsException taken) {
            throw taken;
        } catch (UnsupportedOperationException | FileSystemException noLinks) {
            LOG.debug("No link from {} to {}, so the draft is renamed", file, draft, noLinks);
            Files.move(draft, file);
        }
    }

    /**
     * Whether files have owners and modes here.
     *
     * @return false on Windows
     */
    public static boolean posix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    private static FileAttribute<?>[] attributes(Set<PosixFilePermission> permissions) {
        return posix()
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }

    /** Whether the file's group is one of this process's. Only Linux tells the groups of a process. */
    private static boolean ofOwnGroup(Path file) throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return false;
        }
        String group = String.valueOf(Files.getAttribute(file, "unix:gid"));
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("Gid:") || line.startsWith("Groups:"))
                .flatMap(line -> Arrays.stream(line.split("\\s+")).skip(1))
                .anyMatch(group::equals);
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
