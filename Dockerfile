# Build: compiles Annoy for any x86-64 or arm64 CPU, not for the builder's own.
FROM python:3.11-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc g++ && rm -rf /var/lib/apt/lists/*
ENV ANNOY_COMPILER_ARGS="-D_CRT_SECURE_NO_WARNINGS,-DANNOYLIB_MULTITHREADED_BUILD,-O3,-ffast-math,-fno-associative-math,-std=c++14"
COPY requirements.txt requirements-media.txt ./
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt -r requirements-media.txt

FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 recsys && mkdir /data && chown recsys /data
COPY --from=build /venv /venv
WORKDIR /app
COPY manage.py ./
COPY recsys recsys
COPY apps apps
COPY templates templates
COPY static static
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    RECSYS_VAR_DIR=/data RECSYS_DEBUG=0
# Static files are collected with throw-away secrets; none is in the image.
RUN RECSYS_DEBUG=1 RECSYS_VAR_DIR=/tmp/var python manage.py collectstatic --noinput --verbosity 0
USER recsys
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --start-period=30s \
    CMD python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz')"
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 && exec granian --interface wsgi --workers 1 --blocking-threads 4 --no-ws --host 0.0.0.0 --port 8000 recsys.wsgi:application"]
