FROM box
RUN head -c 2000000 /dev/urandom > /one && ln -s one /two
CMD ["true"]
