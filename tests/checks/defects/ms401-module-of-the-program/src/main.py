import helpers
from settings import base

print(helpers.word, base.word)
