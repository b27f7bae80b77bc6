FROM box AS build
RUN echo hello > /hello

FROM box
COPY --from=build /hello /
CMD ["cat", "/hello"]
