FROM box AS greeting
RUN echo hello > /hello

FROM greeting AS app
CMD ["cat", "/hello"]

FROM app
