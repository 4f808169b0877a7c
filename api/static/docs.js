// Without a validator: it would be asked of another host.
SwaggerUIBundle({
  url: "/v1/openapi.json",
  dom_id: "#docs",
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
