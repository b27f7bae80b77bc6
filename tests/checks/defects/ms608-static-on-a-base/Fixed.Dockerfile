FROM box AS build
FROM scratch
COPY --from=build /bin/busybox /app
ENTRYPOINT ["/app", "true"]
