def hello():
    import wording

    return wording.hello()
