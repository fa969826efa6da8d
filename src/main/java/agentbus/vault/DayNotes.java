package agentbus.vault;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.LocalDate;
import java.time.temporal.IsoFields;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The daily notes and the weekly snapshots. A day or a week in which nothing happened has no note. */
final class DayNotes {
    /** Chosen: more on one day are listed in the index of their folder. */
    private static final int MOST_LINES = 20;

    private static final int WEEK = 7;

    private final Templates templates;
    private final String namespace;
    private final Links links;
    private final Map<String, List<Entry>> byDay;
    private final Map<String, JsonNode> digests;

    /**
     * The notes of days and weeks.
     *
     * @param templates the bodies
     * @param namespace the namespace that the vault shows
     * @param links links to notes
     * @param entries the rows that have a note
     * @param digests the daily digest of each day that has one, as {@code vault_reports} returns it
     */
    DayNotes(Templates templates, String namespace, Links links, List<Entry> entries, Map<String, JsonNode> digests) {
        this.templates = templates;
        this.namespace = namespace;
        this.links = links;
        this.byDay = entries.stream()
                .filter(entry -> !entry.key().kind().equals("agent"))
                .collect(Collectors.groupingBy(Entry::day));
        this.digests = digests;
    }

    /** Whether a day has a note, by what {@code vault_days} returns of it. */
    boolean hasDay(JsonNode row) {
        String day = row.path("day").asText();
        return byDay.containsKey(day) || digests.containsKey(day) || !isQuiet(row);
    }

    /** Whether a week has a note, by what {@code vault_weeks} returns of it. */
    boolean hasWeek(JsonNode row) {
        LocalDate monday = LocalDate.parse(row.path("day").asText());
        return !isQuiet(row)
                || IntStream.range(0, WEEK)
                        .anyMatch(i -> byDay.containsKey(monday.plusDays(i).toString()));
    }

    /**
     * Makes the note of a day.
     *
     * @param row as {@code vault_days} returns it
     * @return its text
     */
    NoteText day(JsonNode row) {
        String day = row.path("day").asText();
        List<Entry> entries = byDay.getOrDefault(day, List.of());
        JsonNode digest = digests.get(day);
        LocalDate date = LocalDate.parse(day);
        Map<String, Object> model = facts(row, entries);
        model.put("title", Words.day(day));
        model.put(
                "digest",
                digest == null ? "" : ReportNotes.body(digest.path("markdown").asText(), links));
        model.put(
                "digestLink",
                digest == null ? "" : links.to("report", digest.path("reportId").asText()));
        model.put("around", around(date));
        FrontMatter matter = new FrontMatter()
                .with("id", day)
                .with("kind", "daily")
                .with("title", Words.day(day))
                .with("date", day)
                .with("namespace", namespace);
        return NoteText.of(matter, templates.fill("daily", model));
    }

    /**
     * Makes the snapshot of a week.
     *
     * @param row as {@code vault_weeks} returns it
     * @return its text
     */
    NoteText week(JsonNode row) {
        LocalDate monday = LocalDate.parse(row.path("day").asText());
        List<Entry> entries = new ArrayList<>();
        List<String> days = new ArrayList<>();
        for (int i = 0; i < WEEK; i++) {
            String day = monday.plusDays(i).toString();
            entries.addAll(byDay.getOrDefault(day, List.of()));
            if (links.has("daily", day)) {
                days.add(links.to("daily", day, Words.day(day)));
            }
        }
        String week = row.path("week").asText();
        Map<String, Object> model = facts(row, entries);
        model.put("title", "Week " + week);
        model.put("from", Words.day(monday.toString()));
        model.put("to", Words.day(monday.plusDays(WEEK - 1).toString()));
        model.put("jobsBefore", row.path("jobsBefore").asText());
        model.put("open", Words.count(row.path("openOpportunities").asLong(), "opportunity", "opportunities"));
        model.put("active", Words.count(row.path("activeMemories").asLong(), "memory", "memories"));
        model.put("agents", agents(row.path("agents")));
        model.put("days", String.join(", ", days));
        FrontMatter matter = new FrontMatter()
                .with("id", week)
                .with("kind", "snapshot")
                .with("title", "Week " + week)
                .with("date", monday.toString())
                .with("namespace", namespace);
        return NoteText.of(matter, templates.fill("snapshot", model));
    }

    /** The name of the ISO week of a day, such as {@code 2026-W48}. */
    static String week(LocalDate day) {
        return String.format(
                Locale.ROOT,
                "%d-W%02d",
                day.get(IsoFields.WEEK_BASED_YEAR),
                day.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
    }

    private static boolean isQuiet(JsonNode row) {
        return !row.has("jobs")
                && !row.has("slots")
                && !row.has("idle")
                && row.path("decisions").isEmpty();
    }

    private String around(LocalDate day) {
        List<String> around = new ArrayList<>();
        addDay(around, "before: ", day.minusDays(1));
        addDay(around, "after: ", day.plusDays(1));
        if (links.has("snapshot", week(day))) {
            around.add("week: " + links.to("snapshot", week(day), week(day)));
        }
        return capital(String.join(", ", around));
    }

    private void addDay(List<String> around, String word, LocalDate day) {
        if (links.has("daily", day.toString())) {
            around.add(word + links.to("daily", day.toString(), Words.day(day.toString())));
        }
    }

    private Map<String, Object> facts(JsonNode row, List<Entry> entries) {
        Map<String, Object> model = new HashMap<>();
        List<String> health = new ArrayList<>();
        health.add("- Jobs: " + said(row.path("jobs").asText("none ended")));
        health.add("- " + capital(said(row.path("slots").asText("no slot of a standing order was due"))));
        if (row.has("idle")) {
            health.add("- Idle thinking: " + said(row.path("idle").asText()));
        }
        model.put("health", String.join("\n", health));
        Map<String, String> sections = new LinkedHashMap<>();
        sections.put("Decisions", decisions(row.path("decisions")));
        sections.put("Opportunities", lines(entries, "opportunity"));
        sections.put("Ideas", lines(entries, "idea"));
        sections.put("Memories", lines(entries, "memory"));
        sections.put("Reports", lines(entries, "report"));
        StringBuilder parts = new StringBuilder();
        sections.forEach((heading, lines) -> {
            if (!lines.isEmpty()) {
                parts.append("\n\n## ").append(heading).append("\n\n").append(lines);
            }
        });
        model.put("parts", parts.toString().strip());
        return model;
    }

    private static String said(String words) {
        return Escaping.prose(words);
    }

    private static String capital(String words) {
        return words.isEmpty() ? words : Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    private String decisions(JsonNode decisions) {
        List<String> lines = new ArrayList<>();
        for (JsonNode decision : decisions) {
            lines.add("- "
                    + links.to("opportunity", decision.path("opportunityId").asText()) + ": **"
                    + Escaping.line(Words.plain(decision.path("decision").asText())) + "** by "
                    + Escaping.line(Words.actor(decision.path("by").asText())));
        }
        return cut(lines);
    }

    private String lines(List<Entry> entries, String kind) {
        Function<Entry, String> line = entry -> "- "
                + links.to(kind, entry.key().rowId(), entry.title())
                + (kind.equals("report") ? "" : ", by " + links.to("agent", entry.agent()));
        return cut(entries.stream()
                .filter(entry -> kind.equals(entry.key().kind()))
                .map(line)
                .toList());
    }

    private static String cut(List<String> lines) {
        String shown = lines.stream().limit(MOST_LINES).collect(Collectors.joining("\n"));
        return lines.size() <= MOST_LINES ? shown : shown + "\n- and " + (lines.size() - MOST_LINES) + " more";
    }

    private String agents(JsonNode agents) {
        List<String> lines = new ArrayList<>();
        for (JsonNode agent : agents) {
            boolean all =
                    agent.path("ended").asLong() == agent.path("succeeded").asLong();
            lines.add("- " + links.to("agent", agent.path("agent").asText()) + ": "
                    + Words.count(agent.path("ended").asLong(), "job", "jobs") + " ended"
                    + (all ? ", all succeeded" : ", " + agent.path("succeeded").asText() + " succeeded"));
        }
        return cut(lines);
    }
}
