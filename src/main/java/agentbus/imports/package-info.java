/** What brings the schedules of other systems over as standing orders. */
package agentbus.imports;
