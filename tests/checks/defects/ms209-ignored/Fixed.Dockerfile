FROM box AS build
RUN --mount=type=bind,source=settings,target=/settings cp /settings /kept

FROM box
COPY --from=build /kept /
CMD ["cat", "/kept"]
