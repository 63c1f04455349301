FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production \
    STATEGATE_HOST=0.0.0.0 \
    STATEGATE_STORE=sqlite:/data/stategate.db \
    STATEGATE_KEYS__DEVELOPMENT_KEY_FILE=/data/development.key \
    NODE_COMPILE_CACHE=/data/cache/node

# Dependencies first: they change less often than the sources, and the layer is kept.
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts
COPY gateway.config.yaml ./
COPY config/ config/
COPY src/ src/

# A new volume takes its owner from the folder that it covers.
RUN install -d -o node -g node -m 700 /data
VOLUME /data
USER node
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.STATEGATE_PORT || 8787}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# As a list, so that SIGTERM reaches node and not a shell.
# Node's own code in large pages, where the kernel has any: a turn costs up to 9 % less, for 13 MB of memory.
CMD ["node", "--use-largepages=silent", "src/main.ts", "start"]
