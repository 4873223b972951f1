# One image for migrate, worker, server and beat: `docker compose up` builds it.
FROM python:3.11-slim AS build
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY api_hooks api_hooks
COPY taxonomies taxonomies
COPY classifier_models classifier_models
COPY worker worker
COPY console console
COPY schema_migrations schema_migrations
RUN python -m venv /opt/aftertag && /opt/aftertag/bin/pip install --no-cache-dir -c constraints.txt '.[server,local]'

FROM python:3.11-slim
# psql, for `aftertag sql`
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN useradd --system --create-home --uid 10001 aftertag
COPY --from=build /opt/aftertag /opt/aftertag
ENV PATH=/opt/aftertag/bin:$PATH AFTERTAG_LOG_FORMAT=json
WORKDIR /home/aftertag
USER aftertag
ENTRYPOINT ["aftertag"]
CMD ["worker"]
