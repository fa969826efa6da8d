/**
 * Tests of the console in a real browser. All classes share one bus, one filled database and one Chromium; the profile
 * {@code browser} runs them.
 */
package agentbus.console.browser;
