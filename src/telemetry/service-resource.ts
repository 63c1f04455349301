import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";

/** Who sends metrics and log records; `OTEL_RESOURCE_ATTRIBUTES` adds to it. */
export const serviceResource = (): Resource =>
  defaultResource().merge(resourceFromAttributes({ "service.name": "stategate" }));
