/** Imports schedules of other systems as standing orders. */
package agentbus.imports;
