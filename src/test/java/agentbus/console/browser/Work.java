package agentbus.console.browser;

/**
 * A claimed job.
 *
 * @param jobId the job
 * @param token the token of its attempt
 */
record Work(String jobId, String token) {}
