FROM box AS build
RUN mkdir -p /out/bin && echo built > /out/bin/app
FROM box
COPY --from=build /out/bin /opt/bin
CMD ["true"]
