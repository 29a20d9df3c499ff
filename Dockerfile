# The showroom bench: one of each simulated instrument, on sockets for any client.
#   docker build -t mqtctl . && docker run --rm -p 5025-5040:5025-5040 mqtctl
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt build \
    && python -m build --wheel --outdir /wheel

FROM python:3.13-slim
RUN useradd --create-home --uid 1000 bench
COPY --from=build /wheel /source/constraints.txt /tmp/mqtctl/
RUN pip install --no-cache-dir --constraint /tmp/mqtctl/constraints.txt /tmp/mqtctl/*.whl \
    && rm -r /tmp/mqtctl
USER 1000:1000
WORKDIR /home/bench
EXPOSE 4880 5025-5040
ENTRYPOINT ["mqtctl"]
CMD ["bench", "serve", "showroom", "--host", "0.0.0.0", "--port-base", "5025"]
