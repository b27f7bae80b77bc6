"""The Dockerfile language: text to AST to stage graph to plan."""
