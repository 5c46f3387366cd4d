// Shows /openapi.json. Whoever signs in here (or exchanges a refresh token) is signed in for the
// calls that follow; a token is kept in memory only and goes with the page.
"use strict";

const explorer = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#explorer",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor: (response) => {
    const session = response.body;
    if (response.ok && session && session.tokenType === "Bearer") {
      explorer.preauthorizeApiKey("bearer", session.token);
    }
    return response;
  },
});
