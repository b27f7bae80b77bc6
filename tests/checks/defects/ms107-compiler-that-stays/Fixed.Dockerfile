FROM debian:bookworm-slim AS assets
RUN apt-get update && apt-get install -y gcc
RUN echo hello > /hello

FROM debian:bookworm-slim
COPY --from=assets /hello /
CMD ["cat", "/hello"]
