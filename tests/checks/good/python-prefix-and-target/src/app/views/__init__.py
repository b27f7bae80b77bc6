from app import __name__ as name


def index():
    return name
