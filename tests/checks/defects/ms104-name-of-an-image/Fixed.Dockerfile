FROM busybox AS greeting
RUN echo hello > /hello

FROM greeting
CMD ["cat", "/hello"]
