/** Camel components and RouteBuilders: only what YAML cannot say. */
package routes;
