FROM box AS build
FROM scratch
COPY --from=build /bin/busybox /true
CMD ["/true"]
