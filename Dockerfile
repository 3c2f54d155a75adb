# One image for every part; the command says which. It runs as nobody in particular and writes to /data only.
FROM python:3.13-slim AS made
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY workflow workflow
COPY service service
COPY notifications notifications
COPY admin admin
# What builds the package comes from the lock too, with its hashes.
COPY requirements-dev.lock ./
RUN awk '/^[a-z]/ {keep = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/} keep' requirements-dev.lock \
        > build.lock \
    && python -m venv /build && /build/bin/pip install --require-hashes -r build.lock \
    && /build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels . \
    && /venv/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
RUN groupadd --gid 10001 reglament \
    && useradd --uid 10001 --gid reglament --home-dir /data --no-create-home --shell /usr/sbin/nologin reglament \
    && install -d -o reglament -g reglament -m 700 /data
COPY --from=made /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    REGLAMENT_HOME=/data \
    REGLAMENT_HOST=0.0.0.0 \
    REGLAMENT_SMTP_HOST=0.0.0.0 \
    REGLAMENT_LOG_FORMAT=json
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8000 2525
STOPSIGNAL SIGTERM
ENTRYPOINT ["reglament"]
CMD ["up", "--no-demo"]
