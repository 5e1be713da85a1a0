# One image for every part of the service: `api`, `worker`, `dispatcher`, `db upgrade`, `keys ...`.
# It runs as an unprivileged user, on a read-only file system, and writes to /var/lib/marrow alone.

FROM docker.io/library/python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# Packages first: this layer stays until a lock changes. Hashes are checked here, and what is built
# from source is built with tools from the lock (see requirements/build.txt).
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /tools \
 && /tools/bin/pip install --quiet --no-deps --no-build-isolation --require-hashes -r requirements/build.txt \
 && /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --require-hashes -r requirements/runtime.txt \
      --wheel-dir /wheels \
 && python -m venv --without-pip /opt/marrow \
 && /tools/bin/pip --python /opt/marrow/bin/python install --quiet --no-deps --no-index /wheels/*.whl \
 && rm -r /wheels

COPY . .
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation . --wheel-dir /wheels \
 && /tools/bin/pip --python /opt/marrow/bin/python install --quiet --no-deps --no-index /wheels/*.whl


FROM docker.io/library/python:3.13-slim-trixie
LABEL org.opencontainers.image.title="Marrow" \
      org.opencontainers.image.description="Structured findings from radiology reports: search and audit, not diagnosis" \
      org.opencontainers.image.licenses="MIT"

RUN groupadd --gid 10001 marrow \
 && useradd --uid 10001 --gid marrow --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin marrow \
 && install --directory --owner=marrow --group=marrow --mode=0700 /var/lib/marrow
COPY --from=build /opt/marrow /opt/marrow
COPY LICENSE /usr/share/doc/marrow/LICENSE

ENV PATH=/opt/marrow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp \
    MARROW_DATA_DIR=/var/lib/marrow
USER 10001:10001
WORKDIR /var/lib/marrow
VOLUME /var/lib/marrow
EXPOSE 8765

# Of the API. docker-compose.yml gives worker and dispatcher checks of their own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/healthz/ready', timeout=4)"]
ENTRYPOINT ["marrow"]
CMD ["api", "--host", "0.0.0.0"]
