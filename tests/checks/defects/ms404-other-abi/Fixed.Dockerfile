FROM python:3.11-slim AS builder
COPY wheel /packages
ARG TAG=cpython-311-x86_64-linux-gnu
RUN cp /usr/lib/python3.11/lib-dynload/_queue.*.so /packages/greeting/_queue.$TAG.so
FROM python:3.11-slim
COPY --from=builder /packages /usr/local/lib/python3.11/dist-packages
COPY app.py /app/
CMD ["python", "/app/app.py"]
