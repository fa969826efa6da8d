/** The files with which an installation runs the bus: service, containers and manifests. */
package agentbus.ops;
