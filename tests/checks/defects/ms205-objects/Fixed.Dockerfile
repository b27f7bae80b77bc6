FROM box AS build
RUN mkdir -p /src/obj && head -c 2000000 /dev/urandom > /src/obj/a.o && echo x > /src/app
FROM box
COPY --from=build /src/app /app/app
CMD ["true"]
