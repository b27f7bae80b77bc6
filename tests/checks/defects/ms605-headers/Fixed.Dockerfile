FROM box
RUN mkdir -p /usr/include
CMD ["true"]
