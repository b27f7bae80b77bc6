FROM scratch
COPY app-v1 /app
USER 65532
CMD ["/app"]
