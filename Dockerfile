# Two stages: the first installs what requirements.lock pins (by hash) and trains the model, unless a trained one is in models/trained
# already; the second holds what runs, with Chromium for reports as PDF. Training takes about eight minutes on two cores.
FROM python:3.11-slim AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/fupan
ENV PATH=/opt/fupan/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.lock ./
RUN pip install --quiet --no-cache-dir --require-hashes -r requirements.lock
COPY corpora corpora
COPY training training
COPY models models
RUN test -f models/trained/manifest.json || python -m training.train
RUN rm -r models/weights && python -c "from models.pipeline import load; load()"

FROM python:3.11-slim
# Reports as PDF: Chromium and Chinese fonts. Its own sandbox does not start in a container without rights; the report it prints has no script
# and its printer no network (service/audits/report.py).
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk && rm -rf /var/lib/apt/lists/* \
 && echo 'export CHROMIUM_FLAGS="$CHROMIUM_FLAGS --no-sandbox --disable-dev-shm-usage"' > /etc/chromium.d/container
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin fupan
COPY --from=build /opt/fupan /opt/fupan
COPY --from=build /app/models /app/models
COPY service /app/service
RUN install -d -o fupan -g fupan -m 0700 /app/var /backups /models
ENV PATH=/opt/fupan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 FUPAN_HOST=0.0.0.0 FUPAN_PORT=8765
WORKDIR /app
USER fupan
VOLUME ["/app/var", "/backups", "/models"]
EXPOSE 8765
# SIGTERM finishes what is in flight: give `docker stop` more seconds than FUPAN_SHUTDOWN_SECONDS.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=8s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/readyz', timeout=7)"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["serve"]
