# syntax=docker/dockerfile:1

# Two images: `api` (API, dispatcher, migrations: no torch) and `worker`.
#   docker build --target api -t pruneserve-api .
#   docker build --target worker -t pruneserve-worker .

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS base
# What happens to lie in the working directory is never imported.
ENV PYTHONUNBUFFERED=1 \
    PYTHONSAFEPATH=1
# The numeric id is fixed, so that volumes keep their owner from one image to the next.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/pruneserve pruneserve \
    && install --directory --owner=pruneserve --group=pruneserve \
        /var/lib/pruneserve /var/lib/pruneserve/work /var/lib/pruneserve/store /var/lib/pruneserve/huggingface
WORKDIR /var/lib/pruneserve

FROM base AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/pruneserve
ENV PATH=/opt/pruneserve/bin:$PATH
# The dependencies alone, from a project without code: a layer that a change of the code leaves as it is.
COPY pyproject.toml README.md /source/
RUN --mount=type=cache,target=/root/.cache/pip pip install /source && pip uninstall --yes pruneserve

FROM dependencies AS torch
RUN --mount=type=cache,target=/root/.cache/pip pip install '/source[torch]' && pip uninstall --yes pruneserve

FROM dependencies AS api-installed
COPY . /source
RUN pip install --no-deps /source

FROM torch AS worker-installed
COPY . /source
RUN pip install --no-deps /source

FROM base AS api
COPY --from=api-installed /opt/pruneserve /opt/pruneserve
# Matplotlib keeps its list of fonts there; the rest of the file system may be read-only.
ENV PATH=/opt/pruneserve/bin:$PATH \
    MPLCONFIGDIR=/tmp/matplotlib
USER pruneserve
EXPOSE 8000
CMD ["pruneserve-api", "--host", "0.0.0.0", "--port", "8000"]

FROM base AS worker
# Triton compiles what starts its kernels when they are first used.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY --from=worker-installed /opt/pruneserve /opt/pruneserve
ENV PATH=/opt/pruneserve/bin:$PATH \
    HF_HOME=/var/lib/pruneserve/huggingface
USER pruneserve
CMD ["pruneserve-worker"]
