# Two stages on one base: the first installs, the second only runs. The same Python stands in both.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
# Name an index of CPU wheels here, or pip takes torch with several GB of CUDA libraries from the default one.
ARG PIP_EXTRA_INDEX_URL
COPY pyproject.toml README.md /app/
COPY model /app/model
COPY monitors /app/monitors
COPY service /app/service
COPY dashboards /app/dashboards
RUN python3 -m venv /opt/bertwatch \
 && /opt/bertwatch/bin/pip install --no-cache-dir --editable '/app[postgres,s3]' \
 && find /opt/bertwatch -name __pycache__ -prune -exec rm -rf {} +

FROM ${BASE}
RUN groupadd --gid 10001 bertwatch \
 && useradd --uid 10001 --gid bertwatch --home-dir /data --no-create-home --shell /usr/sbin/nologin bertwatch \
 && mkdir -p /data /models \
 && chown bertwatch:bertwatch /data /models
COPY --from=build /opt/bertwatch /opt/bertwatch
COPY --from=build /app /app
ENV PATH=/opt/bertwatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/data/huggingface \
    BERTWATCH_HOST=0.0.0.0 \
    BERTWATCH_DATABASE=sqlite:////data/bertwatch.db
USER 10001:10001
WORKDIR /data
VOLUME ["/data", "/models"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python3", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('BERTWATCH_PORT', '8000') + '/readyz', timeout=2)"]
ENTRYPOINT ["bertwatch"]
CMD ["serve"]
