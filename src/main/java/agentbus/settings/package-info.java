/** The lowest layer: settings and their sources, secrets and keys in files, and failures of the start in one line. */
package agentbus.settings;
