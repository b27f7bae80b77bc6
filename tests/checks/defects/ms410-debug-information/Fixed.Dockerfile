FROM box AS build
COPY stripped /program

FROM scratch
COPY --from=build /program /program
CMD ["/program"]
