# One image for several platforms. Go compiles for each of them on this machine's processor, so nothing is emulated;
# up to the ARG all platforms share their steps.
FROM --platform=$BUILDPLATFORM golang:1.21 AS builder
WORKDIR /app
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH TARGETVARIANT
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOARM=${TARGETVARIANT#v} go build -o main .

# What ships: one program and the certificates that it trusts.
FROM scratch
COPY --from=builder /app/main /app/main
COPY --from=builder /app/certs /app/certs
EXPOSE 8080
ENTRYPOINT ["/app/main"]
