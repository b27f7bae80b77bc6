FROM scratch
COPY app-amd64 /app
CMD ["/app"]
