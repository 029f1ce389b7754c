# BASE is a reference pinned by digest, of the image that compiles. What is sent holds all that this
# needs: there is no network, no secret and no argument but BASE.
ARG BASE=scratch
FROM ${BASE} AS asked
RUN --network=none --mount=type=bind,target=/in ["sh", "/in/ask_backend.sh", "/in", "/out"]

FROM scratch
COPY --from=asked /out/ /
