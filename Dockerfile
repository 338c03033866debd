# syntax=docker/dockerfile:1

FROM rust:1.95-slim-trixie AS builder
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
# Dependencies change less often than our own code: built against an empty crate, they stay in their own layer.
RUN mkdir -p src tests/stories jobs \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs tests/stories/main.rs \
    && cargo build --release --locked \
    && rm -rf src tests jobs
COPY src src
COPY jobs jobs
COPY schemas schemas
# Cargo compares times of files: ours have to be newer than the empty crate.
RUN mkdir -p tests/stories && touch tests/stories/main.rs src/main.rs src/lib.rs \
    && cargo build --release --locked --bin endo

FROM debian:trixie-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/endo
COPY --from=builder /src/target/release/endo /usr/local/bin/endo
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/endo/
# Inside a container loopback reaches nobody; what is published is up to `docker run --publish`.
ENV ENDO_DATA_DIR=/var/lib/endo \
    ENDO_LISTEN_GATEWAY=0.0.0.0:8080 \
    ENDO_LISTEN_BUS=0.0.0.0:3000
USER 10001:10001
VOLUME ["/var/lib/endo"]
EXPOSE 8080 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["endo", "health"]
ENTRYPOINT ["endo"]
