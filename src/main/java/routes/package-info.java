/** Camel components and RouteBuilders, for tasks that a YAML route cannot do. */
package routes;
