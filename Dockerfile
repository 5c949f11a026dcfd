# The emulator as a small static image:
#
#   docker build -t descope-emulator .
#   docker run --rm -p 8080:8080 descope-emulator

FROM rust:1-alpine AS build
# A C compiler and its headers, for aws-lc.
RUN apk add --no-cache build-base linux-headers
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --package descope-emulator \
    && mkdir /data

FROM scratch
COPY --from=build /src/target/dist/descope-emulator /descope-emulator
# What `--data /data/state.json` keeps; mount a volume here.
COPY --from=build --chown=10001:10001 /data /data
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=2s --timeout=2s --retries=15 \
    CMD ["/descope-emulator", "doctor", "--base-url", "http://127.0.0.1:8080"]
ENTRYPOINT ["/descope-emulator"]
CMD ["--host", "0.0.0.0", "--port", "8080"]
