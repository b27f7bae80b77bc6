FROM rust:1.80-bookworm AS build
RUN cargo build --release

FROM debian:bookworm-slim
COPY --from=build /src/target/release/app /usr/bin/app
CMD ["app"]
