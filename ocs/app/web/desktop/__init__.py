"""The agent's workplace in the browser, at `/desktop`: a page without a build step or parts from elsewhere, and who serves it."""
