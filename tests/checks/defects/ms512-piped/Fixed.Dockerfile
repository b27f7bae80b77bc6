FROM box
RUN true
CMD ["/bin/true"]
