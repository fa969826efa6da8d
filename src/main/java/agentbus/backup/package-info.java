/** Exports, restores and restore drills: the whole database as one file, and the proof that it can come back. */
package agentbus.backup;
