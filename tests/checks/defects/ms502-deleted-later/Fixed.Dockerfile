FROM box
COPY main.txt /app/
CMD ["/bin/cat", "/app/main.txt"]
