FROM box AS build
RUN mkdir /l && cp /bin/busybox /l/libx.so.1 && ln -s libx.so.1 /l/libx.so
FROM box
COPY --from=build /l /lib
CMD ["true"]
