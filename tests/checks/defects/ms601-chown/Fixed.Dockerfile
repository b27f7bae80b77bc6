FROM box AS build
RUN mkdir /app && head -c 2000000 /dev/urandom > /app/data
FROM box
COPY --chown=7:7 --from=build /app /app
CMD ["true"]
