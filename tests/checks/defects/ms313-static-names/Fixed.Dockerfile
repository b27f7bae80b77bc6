FROM scratch
COPY app-musl /app
USER 65532
CMD ["/app"]
