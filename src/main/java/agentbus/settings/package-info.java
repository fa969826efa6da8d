/** The ground floor: settings and where each came from, secrets and keys in files, and failures of the start told in one line. */
package agentbus.settings;
