package agentbus.vault;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The notes that lead to others: the first page, and one for each folder and each theme. */
final class IndexNotes {
    /** The row id of the first page. */
    static final String HOME = "home";

    /** Chosen: a note of this many lines still opens at once; the folder lists the others by date. */
    private static final int MOST_LINES = 1_000;
    /** Chosen: what a reader looks through; the folder and its index have all. */
    private static final int NEWEST = 30;

    private static final Comparator<Entry> NEWEST_FIRST = Comparator.comparing(Entry::created)
            .reversed()
            .thenComparing(entry -> entry.key().rowId());

    private final Templates templates;
    private final String namespace;
    private final List<Entry> entries;
    private final Links links;
    private final Map<String, String> missions = new HashMap<>();

    /**
     * The indexes of a vault.
     *
     * @param templates the bodies
     * @param namespace the namespace that the vault shows
     * @param entries the rows that have a note
     * @param links links to notes
     */
    IndexNotes(Templates templates, String namespace, List<Entry> entries, Links links) {
        this.templates = templates;
        this.namespace = namespace;
        this.entries = entries.stream().sorted(NEWEST_FIRST).toList();
        this.links = links;
    }

    /** The row id of the note of a theme. */
    static String theme(String theme) {
        return "theme:" + theme;
    }

    /** The themes of rows, sorted. */
    static Set<String> themes(List<Entry> entries) {
        return entries.stream()
                .map(Entry::theme)
                .filter(theme -> theme != null)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** The row ids and paths of the indexes with a fixed place: the first page and those of folders. */
    static Map<String, String> places() {
        Map<String, String> places = new LinkedHashMap<>();
        places.put(HOME, "Home.md");
        for (String folder : List.of(
                Folders.INBOX,
                Folders.DAILY,
                Folders.IDEAS,
                Folders.THEMES,
                Folders.OPPORTUNITIES,
                Folders.MEMORIES,
                Folders.REPORTS,
                Folders.AGENTS,
                Folders.SNAPSHOTS)) {
            places.put(folder, place(folder));
        }
        Folders.MEMORY_KINDS.forEach(kind -> places.put(Folders.ofMemory(kind), place(Folders.ofMemory(kind))));
        return places;
    }

    /** The index stands first in its folder, and its name is not that of another folder's index. */
    private static String place(String folder) {
        String name = folder.substring(folder.lastIndexOf('/') + 1).replaceFirst("^\\d\\d ", "");
        return folder + "/00 " + name + NoteNames.ENDING;
    }

    /**
     * Makes all indexes.
     *
     * @param days the row ids of the daily notes, oldest first
     * @param weeks the row ids of the snapshots, oldest first
     * @param consumer gets the row id and the text of each
     */
    void each(List<String> days, List<String> weeks, BiConsumer<String, NoteText> consumer) {
        consumer.accept(HOME, home(days));
        consumer.accept(Folders.INBOX, text(Folders.INBOX, "inbox", new LinkedHashMap<>()));
        consumer.accept(Folders.DAILY, dates(Folders.DAILY, "daily", "One note for each day that is over.", days));
        consumer.accept(
                Folders.SNAPSHOTS, dates(Folders.SNAPSHOTS, "snapshot", "One note for each week that is over.", weeks));
        consumer.accept(
                Folders.IDEAS,
                list(
                        Folders.IDEAS,
                        "What agents have noticed, below the bar of an opportunity. By theme: "
                                + links.to("index", Folders.THEMES, "Themes") + ".",
                        bySplit(of("idea"), "Open", "Decided")));
        consumer.accept(
                Folders.OPPORTUNITIES,
                list(
                        Folders.OPPORTUNITIES,
                        "Proposals that are ready for a decision. By theme: "
                                + links.to("index", Folders.THEMES, "Themes") + ".",
                        bySplit(of("opportunity"), "Open", "Decided")));
        consumer.accept(Folders.MEMORIES, memories());
        for (String kind : Folders.MEMORY_KINDS) {
            consumer.accept(
                    Folders.ofMemory(kind),
                    list(
                            Folders.ofMemory(kind),
                            intro(kind),
                            bySplit(
                                    of("memory").stream()
                                            .filter(entry -> kind.equals(entry.group()))
                                            .toList(),
                                    "Active",
                                    "No longer valid")));
        }
        consumer.accept(Folders.REPORTS, list(Folders.REPORTS, "Digests and reports, as people got them.", reports()));
        consumer.accept(Folders.AGENTS, list(Folders.AGENTS, "The agents of the fleet.", agents()));
        consumer.accept(Folders.THEMES, themes());
        themes(entries).forEach(theme -> consumer.accept(theme(theme), theme(theme, new LinkedHashMap<>())));
    }

    /** Notes what an agent is for, before {@link #each} lists the agents. */
    void mission(String agent, String mission) {
        missions.put(agent, mission);
    }

    /**
     * The newest rows of a kind, such as those of an agent.
     *
     * @param which chooses the rows
     * @return a Markdown list, which says how many are left out; empty for none
     */
    String newest(Predicate<Entry> which) {
        List<Entry> chosen = entries.stream().filter(which).toList();
        return lines(chosen, NEWEST, "in its folder", false);
    }

    private List<Entry> of(String kind) {
        return entries.stream().filter(entry -> kind.equals(entry.key().kind())).toList();
    }

    private Map<String, List<Entry>> bySplit(List<Entry> all, String open, String closed) {
        Map<String, List<Entry>> sections = new LinkedHashMap<>();
        sections.put(open, all.stream().filter(Entry::open).toList());
        sections.put(closed, all.stream().filter(entry -> !entry.open()).toList());
        return sections;
    }

    private static String intro(String kind) {
        return switch (kind) {
            case "decision" -> "What was decided, and why.";
            case "preference" -> "How people want things done.";
            case "constraint" -> "What must hold, whatever else is done.";
            case "lesson" -> "What work has taught the fleet.";
            case "mistake" -> "What went wrong, so that it does not happen twice.";
            case "pattern" -> "What happens again and again.";
            case "playbook" -> "How a recurring task is done, step by step.";
            case "entity_fact" -> "Facts about one person, project or service.";
            default -> "What one has to know to understand the rest.";
        };
    }

    private Map<String, List<Entry>> reports() {
        Map<String, List<Entry>> sections = new LinkedHashMap<>();
        of("report").forEach(entry -> sections.computeIfAbsent(Words.month(entry.created()), month -> new ArrayList<>())
                .add(entry));
        return sections;
    }

    private Map<String, List<Entry>> agents() {
        List<Entry> sorted = of("agent").stream()
                .sorted(Comparator.comparing(entry -> entry.key().rowId()))
                .toList();
        return bySplit(sorted, "At work", "Disabled");
    }

    private NoteText theme(String theme, Map<String, List<Entry>> sections) {
        sections.put("Opportunities", ofTheme(theme, "opportunity"));
        sections.put("Ideas", ofTheme(theme, "idea"));
        return list(theme(theme), theme, "What agents have proposed about this theme.", sections);
    }

    private List<Entry> ofTheme(String theme, String kind) {
        return of(kind).stream().filter(entry -> theme.equals(entry.theme())).toList();
    }

    private NoteText themes() {
        Map<String, Integer> counts = new TreeMap<>();
        entries.stream()
                .filter(entry -> entry.theme() != null)
                .forEach(entry -> counts.merge(entry.theme(), 1, Integer::sum));
        List<String> lines = new ArrayList<>();
        counts.entrySet().stream()
                .limit(MOST_LINES)
                .forEach(theme -> lines.add("- " + links.to("index", theme(theme.getKey()), theme.getKey()) + ", "
                        + Words.count(theme.getValue(), "proposal", "proposals")));
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("intro", "What proposals are about.");
        model.put("lines", lines.isEmpty() ? "Nothing yet." : String.join("\n", lines));
        return text(Folders.THEMES, "index", model);
    }

    private NoteText memories() {
        List<String> lines = new ArrayList<>();
        for (String kind : Folders.MEMORY_KINDS) {
            long active = of("memory").stream()
                    .filter(entry -> kind.equals(entry.group()) && entry.open())
                    .count();
            lines.add("- " + links.to("index", Folders.ofMemory(kind), Folders.nameOfMemory(kind)) + ": "
                    + Words.number(active) + " active");
        }
        String newest = lines(of("memory"), NEWEST, "in these folders", true);
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("intro", "What the fleet knows, by kind.");
        model.put("lines", String.join("\n", lines) + (newest.isEmpty() ? "" : "\n\n## Newest\n\n" + newest));
        return text(Folders.MEMORIES, "index", model);
    }

    private NoteText dates(String folder, String kind, String intro, List<String> newestLast) {
        StringBuilder lines = new StringBuilder();
        String month = "";
        for (int i = newestLast.size() - 1; i >= 0; i--) {
            String name = newestLast.get(i);
            String group = kind.equals("daily") ? Words.month(name) : name.substring(0, 4);
            if (!group.equals(month)) {
                lines.append(lines.isEmpty() ? "" : "\n")
                        .append("## ")
                        .append(group)
                        .append("\n\n");
                month = group;
            }
            lines.append("- ").append(links.to(kind, name, name)).append('\n');
        }
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("intro", intro);
        model.put("lines", lines.isEmpty() ? "Nothing yet." : lines.toString().strip());
        return text(folder, "index", model);
    }

    private NoteText list(String folder, String intro, Map<String, List<Entry>> sections) {
        return list(folder, null, intro, sections);
    }

    private NoteText list(String id, String title, String intro, Map<String, List<Entry>> sections) {
        List<String> parts = new ArrayList<>();
        int left = MOST_LINES;
        for (Map.Entry<String, List<Entry>> section : sections.entrySet()) {
            if (!section.getValue().isEmpty()) {
                parts.add("## " + section.getKey() + "\n\n"
                        + lines(section.getValue(), Math.max(1, left), "in the folder", true));
                left -= section.getValue().size();
            }
        }
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("intro", intro);
        model.put("lines", parts.isEmpty() ? "Nothing yet." : String.join("\n\n", parts));
        model.put("title", title);
        return text(id, "index", model);
    }

    private String lines(List<Entry> some, int most, String where, boolean authors) {
        List<String> lines = new ArrayList<>();
        some.stream().limit(most).forEach(entry -> lines.add(line(entry, authors)));
        if (some.size() > most) {
            lines.add("- and " + Words.count(some.size() - most, "older one", "older ones") + " " + where);
        }
        return String.join("\n", lines);
    }

    private String line(Entry entry, boolean author) {
        String link = links.to(entry.key().kind(), entry.key().rowId(), entry.title());
        return switch (entry.key().kind()) {
            case "agent" -> "- " + link + purpose(entry.key().rowId());
            case "report" -> "- " + entry.day() + " " + link;
            default ->
                "- " + entry.day() + " " + link + ", " + Escaping.line(Words.plain(entry.status()))
                        + (author ? ", by " + links.to("agent", entry.agent()) : "");
        };
    }

    /** The first sentence of an agent's mission. */
    private String purpose(String agent) {
        String mission = missions.getOrDefault(agent, "");
        return mission.isEmpty() ? "" : ": " + Escaping.line(mission.split("(?<=[.!?])\\s", 2)[0]);
    }

    private NoteText home(List<String> days) {
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("namespace", namespace);
        List<String> folders = new ArrayList<>();
        Map<String, String> says = new LinkedHashMap<>();
        says.put(Folders.INBOX, "for new notes of yours");
        says.put(Folders.DAILY, counted(days.size(), "day", "days"));
        says.put(Folders.IDEAS, split("idea", "open"));
        says.put(Folders.OPPORTUNITIES, split("opportunity", "open"));
        says.put(Folders.MEMORIES, split("memory", "active"));
        says.put(Folders.REPORTS, counted(of("report").size(), "report", "reports"));
        says.put(Folders.AGENTS, counted(of("agent").size(), "agent", "agents"));
        says.put(Folders.SNAPSHOTS, "the fleet week by week");
        says.forEach((folder, text) ->
                folders.add("- " + links.to("index", folder, folder.replaceFirst("^\\d\\d ", "")) + ": " + text));
        model.put("folders", String.join("\n", folders));
        model.put("waiting", newest(entry -> "opportunity".equals(entry.key().kind()) && entry.open()));
        model.put("day", days.isEmpty() ? "" : links.to("daily", days.get(days.size() - 1), days.get(days.size() - 1)));
        return text(HOME, "home", model);
    }

    private String split(String kind, String word) {
        List<Entry> all = of(kind);
        long open = all.stream().filter(Entry::open).count();
        return all.isEmpty()
                ? "none yet"
                : Words.number(all.size()) + ", " + (open == 0 ? "none" : Words.number(open)) + " of them " + word;
    }

    private static String counted(int number, String one, String several) {
        return number == 0 ? "none yet" : Words.count(number, one, several);
    }

    private NoteText text(String id, String template, Map<String, Object> model) {
        String title = model.get("title") instanceof String given ? given : title(id);
        model.put("title", title);
        FrontMatter matter = new FrontMatter()
                .with("id", id)
                .with("kind", "index")
                .with("title", title)
                .with("namespace", namespace);
        return NoteText.of(matter, templates.fill(template, model));
    }

    private String title(String id) {
        return id.equals(HOME)
                ? "default".equals(namespace) ? "The fleet" : "The fleet " + namespace
                : id.substring(id.lastIndexOf('/') + 1).replaceFirst("^\\d\\d ", "");
    }
}
