package agentbus.http;

import agentbus.harness.Answer;
import agentbus.harness.Door;
import agentbus.harness.Door.Work;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.function.Function;

/** The calls of {@link OperationsTest} of the operations by which a person looks, steps in and answers. */
final class OperatorCalls {
    private static final String REASON = "{\"reason\":\"r\"}";

    private OperatorCalls() {}

    /** The handles on jobs, and the bulk actions. */
    static final Map<String, Function<Door, Answer>> HANDLES = Map.ofEntries(
            Map.entry(
                    "retryNow",
                    door -> door.post(
                            "/v1/jobs/" + door.job("worker", ",\"delaySeconds\":900") + "/retry-now", REASON)),
            Map.entry("killJob", door -> door.post("/v1/jobs/" + door.job() + "/kill", REASON)),
            Map.entry(
                    "setPriority",
                    door -> door.post("/v1/jobs/" + door.job() + "/priority", "{\"priority\":3,\"reason\":\"r\"}")),
            Map.entry(
                    "reassignJob",
                    door -> door.post(
                            "/v1/jobs/" + door.job() + "/reassign", "{\"targetAgent\":\"other\",\"reason\":\"r\"}")),
            Map.entry("dismissJob", door -> {
                String job = door.job();
                door.post("/v1/jobs/" + job + "/kill", REASON);
                return door.post("/v1/jobs/" + job + "/dismiss", REASON);
            }),
            Map.entry("extendAttempt", attempt("extend-attempt", "{\"seconds\":600,\"reason\":\"r\"}")),
            Map.entry("endAttempt", attempt("end-attempt", REASON)),
            Map.entry("startBulkAction", OperatorCalls::bulk),
            Map.entry("listBulkActions", door -> {
                bulk(door);
                return door.get("/v1/bulk-actions?limit=1");
            }),
            Map.entry("previewBulkAction", door -> {
                door.job();
                return door.post(
                        "/v1/bulk-actions/preview", "{\"operation\":\"cancel\",\"filter\":{\"state\":\"queued\"}}");
            }),
            Map.entry("getBulkAction", door -> door.get("/v1/bulk-actions/" + id(bulk(door), "/bulkId"))),
            Map.entry(
                    "stopBulkAction",
                    door -> door.post("/v1/bulk-actions/" + id(bulk(door), "/bulkId") + "/stop", REASON)));

    /** Questions, reviews and approvals. */
    static final Map<String, Function<Door, Answer>> QUESTIONS = Map.ofEntries(
            Map.entry("ask", door -> asked(door, "May it be?")),
            Map.entry("listQuestions", door -> {
                asked(door, "Is it listed?");
                return door.get("/v1/questions?status=open&limit=1");
            }),
            Map.entry(
                    "requestReview",
                    door -> door.post("/v1/questions/review", "{\"question\":\"Is it good?\",\"what\":{\"page\":1}}")),
            Map.entry(
                    "requestApproval",
                    door -> door.post(
                            "/v1/questions/approval", "{\"question\":\"May it go out?\",\"content\":{\"page\":1}}")),
            Map.entry("getQuestion", door -> door.get("/v1/questions/" + question(asked(door, "Is it shown?")))),
            Map.entry(
                    "answerQuestion",
                    door -> door.post(
                            "/v1/questions/" + question(asked(door, "Is it so?")) + "/answer", "{\"answer\":\"yes\"}")),
            Map.entry(
                    "withdrawQuestion",
                    door -> door.post("/v1/questions/" + question(asked(door, "Is it over?")) + "/withdraw", REASON)));

    /** Pauses, freezes and the switch of an order. */
    static final Map<String, Function<Door, Answer>> STOPS = Map.ofEntries(
            Map.entry("listPauses", door -> {
                pause(door, "proactive");
                return door.get("/v1/pauses");
            }),
            Map.entry("pause", door -> pause(door, "delivery")),
            Map.entry(
                    "drain",
                    door -> door.post(
                            "/v1/pauses/drain", "{\"kind\":\"job_type\",\"name\":\"recovery\",\"reason\":\"r\"}")),
            Map.entry("resume", door -> {
                pause(door, "dev");
                return door.post("/v1/pauses/resume", "{\"kind\":\"job_type\",\"name\":\"dev\",\"reason\":\"r\"}");
            }),
            Map.entry("stopEverything", door -> {
                Answer stopped = door.post("/v1/pauses/stop-everything", REASON);
                door.post("/v1/pauses/resume", "{\"kind\":\"everything\",\"reason\":\"r\"}");
                return stopped;
            }),
            Map.entry("freeze", door -> frozen(door, "4")),
            Map.entry("unfreeze", door -> {
                frozen(door, "5");
                return door.post("/v1/pauses/unfreeze", "{\"kind\":\"phase\",\"name\":\"5\",\"reason\":\"r\"}");
            }),
            Map.entry("disableStandingOrder", door -> {
                OperationsTest.order(door, "switched-off");
                return door.post("/v1/standing-orders/switched-off/disable", REASON);
            }),
            Map.entry("enableStandingOrder", door -> {
                OperationsTest.order(door, "switched-on");
                door.post("/v1/standing-orders/switched-on/disable", REASON);
                return door.post("/v1/standing-orders/switched-on/enable", REASON);
            }));

    /** What a person reads, and who may only read. */
    static final Map<String, Function<Door, Answer>> READS = Map.ofEntries(
            Map.entry("needsMe", door -> {
                asked(door, "Does it need me?");
                return door.get("/v1/needs-me");
            }),
            Map.entry("overview", door -> door.get("/v1/overview?hours=1")),
            Map.entry("getAgent", door -> door.get("/v1/agents/worker")),
            Map.entry("listFacets", door -> {
                door.job();
                return door.get("/v1/facets");
            }),
            Map.entry("standingOrderSlots", door -> {
                OperationsTest.order(door, "slots-of");
                door.post("/v1/standing-orders/slots-of/run", null);
                Instant now = Instant.now();
                return door.get("/v1/standing-orders/slots?from=" + now.minus(Duration.ofDays(1)) + "&to="
                        + now.plus(Duration.ofDays(1)));
            }),
            Map.entry("getAttempt", door -> door.get("/v1/jobs/" + door.work().jobId() + "/attempts/1")),
            Map.entry("getFlow", door -> door.get("/v1/flow?jobId=" + door.job())),
            Map.entry("listAudit", door -> {
                door.job();
                return door.get("/v1/audit?limit=5");
            }),
            Map.entry("account", door -> {
                door.job();
                return door.get("/v1/account?agent=worker");
            }),
            Map.entry("whoami", door -> door.get("/v1/whoami")),
            Map.entry("issueViewerToken", door -> door.post("/v1/viewers/carla/token", REASON)),
            Map.entry("revokeViewerToken", door -> {
                door.post("/v1/viewers/dora/token", REASON);
                return door.post("/v1/viewers/dora/revoke", REASON);
            }));

    /** The phases of the rollout, and the drills of its first week. */
    static final Map<String, Function<Door, Answer>> PHASES = Map.of(
            "listPhases", door -> door.get("/v1/phases"),
            "phaseGate", door -> door.get("/v1/phases/1/gate"),
            "signOffPhase", door -> signedOff(door, "3"),
            "withdrawSignOff",
                    door -> {
                        signedOff(door, "4");
                        return door.post("/v1/phases/4/withdraw-sign-off", REASON);
                    },
            "listSignOffs",
                    door -> {
                        signedOff(door, "5");
                        return door.get("/v1/sign-offs?phase=5&includeGate=true&limit=1");
                    },
            "beginWeekOne",
                    door -> {
                        door.post("/v1/week-one/end", REASON);
                        return door.post("/v1/week-one/begin", REASON);
                    },
            "endWeekOne", door -> door.post("/v1/week-one/end", REASON));

    private static Answer signedOff(Door door, String phase) {
        return door.post(
                "/v1/phases/" + phase + "/sign-off",
                "{\"person\":\"Anna\",\"reason\":\"r\",\"despite\":\"its lanes are not built\"}");
    }

    private static Function<Door, Answer> attempt(String handle, String body) {
        return door -> {
            Work work = door.work();
            String job = "/v1/jobs/" + work.jobId() + "/";
            door.call("POST", job + "running", work.token(), "{}");
            return door.post(job + handle, body);
        };
    }

    private static Answer bulk(Door door) {
        return door.post(
                "/v1/bulk-actions",
                "{\"operation\":\"retry_now\",\"filter\":{\"subject\":\"nothing.has.it\"},\"reason\":\"r\"}");
    }

    private static Answer asked(Door door, String question) {
        return door.post("/v1/questions", "{\"question\":\"" + question + "\"}");
    }

    private static String question(Answer asked) {
        return id(asked, "/question/questionId");
    }

    private static Answer pause(Door door, String jobType) {
        return door.post("/v1/pauses", "{\"kind\":\"job_type\",\"name\":\"" + jobType + "\",\"reason\":\"r\"}");
    }

    private static Answer frozen(Door door, String phase) {
        return door.post("/v1/pauses/freeze", "{\"kind\":\"phase\",\"name\":\"" + phase + "\",\"reason\":\"r\"}");
    }

    private static String id(Answer answer, String place) {
        return answer.json().at(place).asText();
    }
}
