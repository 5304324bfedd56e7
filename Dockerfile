# Reprise as a container: the server with its panel, from the lock file with hashes, not as root.
#   docker build -t reprise .
#   docker run -p 7744:7744 -v reprise:/state -v /path/to/music:/music:ro reprise
FROM python:3.12-slim AS build
WORKDIR /build
COPY . .
# The panel is built with the Node that the build requirements bring; without it the build fails here, not later.
RUN pip install --no-cache-dir build && REPRISE_UI=require python -m build --wheel --outdir /wheels

FROM python:3.12-slim
RUN useradd --uid 1000 --create-home reprise && mkdir /state && chown reprise /state
COPY requirements/run.txt /tmp/run.txt
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --require-hashes -r /tmp/run.txt \
    && pip install --no-cache-dir --no-deps /wheels/*.whl \
    && rm -r /wheels /tmp/run.txt
USER reprise
ENV REPRISE_HOME=/state REPRISE_HOST=0.0.0.0
VOLUME /state
EXPOSE 7744
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import urllib.request as u; u.urlopen('http://127.0.0.1:7744/api/v1/health/live', timeout=4)"]
CMD ["reprise", "serve"]
