FROM box AS build
RUN echo hello > /hello

FROM build AS tests
RUN grep -q hello /hello && touch /passed

FROM box
COPY --from=tests /passed /
COPY --from=build /hello /
CMD ["cat", "/hello"]
