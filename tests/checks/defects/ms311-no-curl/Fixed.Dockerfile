FROM box
HEALTHCHECK CMD wget -q -O /dev/null http://localhost:8080/ || exit 1
CMD ["true"]
