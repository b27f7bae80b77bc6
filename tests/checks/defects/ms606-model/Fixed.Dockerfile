FROM box
VOLUME /models
CMD ["true"]
