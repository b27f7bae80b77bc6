FROM box
RUN true
CMD ["true"]
